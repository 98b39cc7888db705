#include "base/time_left.h"

#include "doctest/doctest.h"

using namespace gevent;

TEST_CASE("without a limit a wait is never over") {
  const TimeLeft left(-1);
  CHECK(left.seconds() < 0);
  CHECK_FALSE(left.over());
  CHECK(left.at_most(0.5) == 0.5);
}

TEST_CASE("a wait is over when its time is up, and none is left then") {
  const TimeLeft left(0);
  CHECK(left.over());
  CHECK(left.seconds() == 0);
  CHECK(left.at_most(0.5) == 0);
}

TEST_CASE("a long wait is cut into pieces that are no longer than asked for") {
  const TimeLeft left(1000);
  CHECK_FALSE(left.over());
  CHECK(left.at_most(0.5) == 0.5);
  CHECK(left.at_most(2000) <= 1000);
  CHECK(left.limit() == 1000);
}
