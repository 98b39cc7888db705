// Descriptors that are waited for again and again: what a selector is made of.
#pragma once
#include <cstddef>
#include <unordered_map>
#include <vector>

#include "base/owned_fd.h"

namespace gevent {

// Each descriptor is in it once, with the events of poll(2) that are wanted of it.
//
// Where there is epoll the kernel remembers them: a look costs what is ready, however many there are, and a loop only
// watches the epoll set. Elsewhere poll(2) is told of all of them each time.
class RegisteredSet {
 public:
  struct Report {
    int fd;
    short events;
  };

  // Once, first of all. 0; -1 + OSError.
  int open() noexcept;
  void close() noexcept;

  // 0; -1 + OSError where `fd` is not open. Requires: it is not in the set.
  int add(int fd, short events) noexcept;
  // Nothing happens if `fd` was closed meanwhile, or is not in the set.
  void remove(int fd) noexcept;

  // Asks, without waiting. The number of reports(); -1 + a Python exception, ValueError after close().
  int look() noexcept;
  // Parks until there is something to report, or `timeout_s` is over (negative: no limit). Returns as look(). What is
  // closed meanwhile is reported with POLLNVAL. Others may use the set, and close it, meanwhile.
  int wait(double timeout_s) noexcept;

  // What the last look() or wait() found.
  [[nodiscard]] const std::vector<Report>& reports() const noexcept { return reports_; }

 private:
  int ask_kernel() noexcept;

  bool open_ = false;
  OwnedFd kernel_set_;
  std::unordered_map<int, short> registered_;
  std::unordered_map<int, short> always_;  // regular files, which epoll refuses: they never make anybody wait
  std::vector<Report> reports_;
};

}  // namespace gevent
