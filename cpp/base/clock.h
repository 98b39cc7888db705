// The two clocks: an exact one, and one that is cheap enough to ask at every step.
#pragma once
#include <time.h>

#include <chrono>

namespace gevent {

using Nanoseconds = std::chrono::nanoseconds;

// Time since some fixed moment; never goes back.
class Clock {
 public:
  // Exact; about 20 ns.
  static Nanoseconds now() noexcept { return read(CLOCK_MONOTONIC); }

  // The same as a number.
  static double now_s() noexcept { return std::chrono::duration<double>(now()).count(); }

  // The time of the kernel's last tick, up to some milliseconds ago; about 5 ns.
  static Nanoseconds coarse_now() noexcept {
#ifdef CLOCK_MONOTONIC_COARSE
    return read(CLOCK_MONOTONIC_COARSE);
#else
    return now();
#endif
  }

 private:
  static Nanoseconds read(clockid_t clock) noexcept {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
  }
};

}  // namespace gevent
