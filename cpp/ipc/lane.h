// A bell that any number of processes hear.
#pragma once
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"

namespace gevent {

// Whoever has the lane may ring it; whoever put it into an EdgeSet hears every ring, or several rings as one. Nothing
// is ever taken out of it, so no listener can hear a ring in place of another: a bell, not a letter.
//
// An eventfd, or the two ends of a pipe where there are no eventfds. Never blocks. The descriptors are close-on-exec,
// and O_NONBLOCK: they are ours alone, nobody else reads them.
class Lane {
 public:
  static Result<Lane> create() noexcept;
  static Result<Lane> create_pipe() noexcept;  // what create() does without eventfds; for tests of that

  // From what descriptors() gave in another process: one eventfd, or two ends of a pipe.
  explicit Lane(OwnedFd eventfd) noexcept : listen_(std::move(eventfd)) {}
  Lane(OwnedFd read_end, OwnedFd write_end) noexcept : listen_(std::move(read_end)), ring_(std::move(write_end)) {}

  void ring() const noexcept;

  // What an EdgeSet watches.
  [[nodiscard]] int fd() const noexcept { return listen_.get(); }
  void append_descriptors(std::vector<int>& to) const;

 private:
  OwnedFd listen_;
  OwnedFd ring_;  // the write end; none for an eventfd
};

}  // namespace gevent
