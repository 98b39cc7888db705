// Waiting for several descriptors at once, as poll(2) does.
#pragma once
#include <Python.h>
#include <poll.h>

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace gevent {

// Descriptors and what is wanted of each. A number may be in it several times.
//
// The kernel's poll(2) says what is ready; the loop is used only to be woken. So the answers are poll(2)'s in every
// detail, for any descriptor and any event, and a descriptor that is closed meanwhile is reported (POLLNVAL), not an
// error.
class DescriptorSet {
 public:
  // `events` are what poll(2) is asked. The entry is ready when it reports one of `accepted`, or POLLNVAL.
  void add(int fd, short events, short accepted);
  void clear() noexcept;
  // What is in `registered` (which outlives this) is registered with one that is polled here, an epoll set: a wait ends
  // when one of them is closed, too, and closed() has them.
  void end_with(const std::unordered_map<int, short>& registered) noexcept { registered_ = &registered; }
  [[nodiscard]] const std::vector<int>& closed() const noexcept { return closed_; }
  [[nodiscard]] std::size_t size() const noexcept { return polled_.size(); }

  // What was reported for the entry at `index`, by the last call of poll_now() or wait().
  [[nodiscard]] int fd(std::size_t index) const noexcept { return polled_[index].fd; }
  [[nodiscard]] short events(std::size_t index) const noexcept { return polled_[index].events; }
  [[nodiscard]] short revents(std::size_t index) const noexcept { return polled_[index].revents; }
  [[nodiscard]] bool ready(std::size_t index) const noexcept {
    return (polled_[index].revents & (accepted_[index] | POLLNVAL)) != 0;
  }

  // Asks the kernel, without waiting. Returns how many entries are ready; -1 + a Python exception.
  int poll_now() noexcept;

  // Parks until an entry is ready, or `timeout_s` seconds are over (negative: no limit; 0: does not park). Returns as
  // poll_now(). Requires: nobody changes or uses this set meanwhile.
  int wait(double timeout_s) noexcept;

 private:
  class Wakers;
  class Closings;

  [[nodiscard]] int count_ready() const noexcept;

  std::vector<pollfd> polled_;
  std::vector<short> accepted_;
  const std::unordered_map<int, short>* registered_ = nullptr;
  std::vector<int> closed_;
};

}  // namespace gevent
