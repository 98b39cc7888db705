// A counter that waiters draw from.
#pragma once
#include <cstdint>
#include <thread>

#include "sync/line.h"

namespace gevent {

// Callers take turns (the bindings hold the GIL), so there is no lock. Waiters may live on different loops: release()
// wakes, and each waiter asks its own loop for a turn. First come, first served, as far as line.h says.
class Semaphore {
 public:
  explicit Semaphore(std::int64_t count = 1) noexcept : count_(count) {}  // Requires: count >= 0.

  [[nodiscard]] std::int64_t count() const noexcept { return count_; }
  void set_count(std::int64_t count) noexcept { count_ = count; }

  // Takes one unit now, or returns false. Never waits.
  bool try_acquire() noexcept {
    if (count_ <= 0) return false;
    --count_;
    line.retract(count_);
    if (const auto thread = std::this_thread::get_id(); holder_ != thread) {
      if (holder_ != std::thread::id()) shared_ = true;
      holder_ = thread;
    }
    return true;
  }

  // Gives one unit back and wakes the first in line. Waking switches to nobody, so what the caller knows stays true
  // until the caller itself waits.
  void release() noexcept {
    ++count_;
    if (!line.empty()) line.offer(count_);
  }

  // Lets the next one know that there is something left; for a waiter that leaves the line.
  void pass_on() noexcept {
    if (count_ > 0 && !line.empty()) line.offer(count_);
  }

  // Whether a release may come from outside of this thread and its loop: another thread took the last unit, or units
  // have gone from thread to thread before.
  [[nodiscard]] bool used_elsewhere() const noexcept {
    return (shared_ && !owned) || (holder_ != std::thread::id() && holder_ != std::this_thread::get_id());
  }

  Line line;
  bool owned = false;  // only the thread that took a unit gives it back

 private:
  std::int64_t count_;
  std::thread::id holder_;  // of the last unit taken
  bool shared_ = false;     // threads took turns
};

}  // namespace gevent
