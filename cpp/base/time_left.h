// How much of a wait is left.
#pragma once
#include <algorithm>

#include "base/clock.h"

namespace gevent {

class TimeLeft {
 public:
  TimeLeft() noexcept = default;  // no limit

  // Begins now. Negative: no limit.
  explicit TimeLeft(double limit_s) noexcept : limit_s_(limit_s) {
    if (limit_s_ >= 0) end_s_ = Clock::now_s() + limit_s_;
  }

  // Never below 0 where there is a limit; negative where there is none.
  [[nodiscard]] double seconds() const noexcept {
    return limit_s_ >= 0 ? std::max(0.0, end_s_ - Clock::now_s()) : limit_s_;
  }
  [[nodiscard]] bool over() const noexcept { return limit_s_ >= 0 && seconds() <= 0; }
  [[nodiscard]] double at_most(double longest_s) const noexcept {
    const double left = seconds();
    return left < 0 ? longest_s : std::min(left, longest_s);
  }

  // What it was at the beginning; asks no clock.
  [[nodiscard]] double limit() const noexcept { return limit_s_; }

 private:
  double limit_s_ = -1;
  double end_s_ = 0;
};

}  // namespace gevent
