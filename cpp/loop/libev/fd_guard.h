// Keeps closed descriptors away from libev.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gevent {

// libev hands a changed descriptor to the kernel only just before it polls, and stops the whole process (an assertion)
// when the kernel then says EBADF. A descriptor that was closed under a watcher is somebody's mistake in one place of
// the program, no reason to end it; so this keeps book of what libev is about to hand over, and asks the kernel first.
// It asks (one fcntl) only when libev would really make a call: a watcher stopped and started again costs nothing.
class FdGuard {
 public:
  // An Io on `fd` was started or stopped. `fresh`: the number may stand for another file than before.
  void started(int fd, int events, bool fresh) noexcept;
  void stopped(int fd, int events) noexcept;

  // Whether there are active ones on `fd`.
  [[nodiscard]] bool watched(int fd) const noexcept {
    const auto index = static_cast<std::size_t>(fd);
    return index < states_.size() && states_[index].wanted() != 0;
  }

  // Everything will be handed over again (after a fork, and at every poll of a backend that does so).
  void all_changed() noexcept;

  // Calls `closed(fd)` for each closed descriptor that libev would meet at the next poll; `closed` stops the
  // watchers on it. Returns whether there was one. Call right before libev looks.
  template <typename Closed>
  bool look(Closed closed) noexcept {
    bool found = false;
    for (std::size_t i = 0; i != changed_.size(); ++i) {  // stopping watchers appends
      const int fd = changed_[i];
      State& state = states_[static_cast<std::size_t>(fd)];
      const std::uint8_t wanted = state.wanted();
      const bool hand_over = wanted != 0 && (state.fresh || wanted != state.registered);
      state.changed = state.fresh = false;
      state.registered = wanted;
      if (!hand_over || is_open(fd)) continue;
      found = true;
      closed(fd);
    }
    changed_.clear();
    return found;
  }

 private:
  struct State {
    std::uint16_t readers = 0;
    std::uint16_t writers = 0;
    std::uint8_t registered = 0;  // what libev believes the kernel knows
    bool changed = false;         // is in changed_
    bool fresh = false;
    [[nodiscard]] std::uint8_t wanted() const noexcept {
      return static_cast<std::uint8_t>((readers != 0 ? 1 : 0) | (writers != 0 ? 2 : 0));
    }
  };

  static bool is_open(int fd) noexcept;
  State& state_of(int fd) noexcept;
  void change(int fd, State& state) noexcept;

  std::vector<State> states_;  // by descriptor
  std::vector<int> changed_;
};

}  // namespace gevent
