// A counter that waiters draw from.
#pragma once
#include <cstdint>

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

  Line line;

 private:
  std::int64_t count_;
};

}  // namespace gevent
