// The life of something that is started once and ends once: how far it is, and who hears of its end.
#pragma once
#include <cstddef>
#include <cstdint>

#include "sync/waiter.h"

namespace gevent {

// Callers take turns, as for all of sync/. Knows neither what is started nor how: whoever starts it says so first.
class Life {
 public:
  enum class Phase : std::uint8_t {
    kNew,      // not started
    kQueued,   // begins when its turn comes
    kDelayed,  // begins when its time comes
    kBegun,
    kOver,  // has its outcome, or will never have one
  };

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  // Started and not over.
  [[nodiscard]] bool goes_on() const noexcept { return phase_ != Phase::kNew && phase_ != Phase::kOver; }
  [[nodiscard]] bool is_over() const noexcept { return phase_ == Phase::kOver; }

  // Starting. Requires: kNew.
  void queue() noexcept { phase_ = Phase::kQueued; }
  void delay() noexcept { phase_ = Phase::kDelayed; }
  void begin() noexcept { phase_ = Phase::kBegun; }
  void end() noexcept { phase_ = Phase::kOver; }

  // Whether tell() is to be called in a later turn: somebody is in line, and that was not asked for yet. Whoever gets
  // true sees to it.
  [[nodiscard]] bool has_to_tell() noexcept {
    if (telling_ || line.empty()) return false;
    telling_ = true;
    return true;
  }

  // Wakes those who are in line now. Who joins them because of what they do then is told in another turn, if somebody
  // asks has_to_tell() again. Requires: that returned true, and this was not called since.
  void tell() noexcept {
    std::size_t left = 0;
    for (Waiter* each = line.front(); each != nullptr; each = line.after(*each)) ++left;
    while (left > 0 && line.wake_one()) --left;
    telling_ = false;
  }

  WaitQueue line;  // of those who wait for the end, in the order in which they are told

 private:
  Phase phase_ = Phase::kNew;
  bool telling_ = false;  // or about to
};

}  // namespace gevent
