#include "base/clock.h"

#include <doctest/doctest.h>

using namespace gevent;

TEST_CASE("the clocks go forward, the coarse one not far behind") {
  const auto coarse = Clock::coarse_now();
  const auto exact = Clock::now();
  CHECK(exact >= coarse);
  CHECK(exact - coarse < std::chrono::milliseconds(500));
  CHECK(Clock::now() >= exact);
}
