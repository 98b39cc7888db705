// Hears bells: descriptors that become readable again and again without anybody reading them.
#pragma once
#include <cstdint>
#include <span>

#include "base/owned_fd.h"
#include "base/result.h"

namespace gevent {

// A kernel queue of its own (epoll or kqueue), edge-triggered. Its descriptor is readable while there is something to
// collect, so any loop or poll() can wait on it.
//
// A forked child shares the kernel's queue with its parent, and collecting would take from both: the child calls
// reset() and adds everything again.
class EdgeSet {
 public:
  static Result<EdgeSet> create() noexcept;

  // From now on, whatever happens to `fd` is collected with `tag`. Once at the beginning without a reason, perhaps,
  // and also after `fd` was closed here, as long as another process has it: so a tag is a number to look up, no
  // pointer.
  Result<void> add(int fd, std::uint64_t tag) noexcept;
  void remove(int fd) noexcept;

  // Puts the tags of what happened since the last call into `tags` and returns how many. When that fills `tags` there
  // may be more. Never waits.
  [[nodiscard]] std::size_t collect(std::span<std::uint64_t> tags) noexcept;

  // In a forked child: an empty set of this process alone. Its descriptor may change.
  Result<void> reset() noexcept;

  [[nodiscard]] int fd() const noexcept { return queue_.get(); }

 private:
  explicit EdgeSet(OwnedFd queue) noexcept : queue_(std::move(queue)) {}
  OwnedFd queue_;
};

}  // namespace gevent
