#include "sync/alarm.h"

#include <doctest/doctest.h>

#include "loop/manual_loop.h"

using gevent::Alarm;
using gevent::Watcher;
using gevent::testing::ManualLoop;

namespace {

struct Rung {
  int times = 0;
  static void ring(Watcher& watcher, int) noexcept { ++static_cast<Rung*>(watcher.owner)->times; }
};

}  // namespace

TEST_CASE("alarm: it rings once, and stays pending until it is cancelled") {
  ManualLoop loop;
  Alarm alarm;
  Rung rung;
  CHECK_FALSE(alarm.pending());
  alarm.set(loop, 2, 0, true, &Rung::ring, &rung);
  CHECK(alarm.pending());
  loop.advance(1.5);
  CHECK(rung.times == 0);
  loop.advance(10);
  CHECK(rung.times == 1);
  CHECK(alarm.pending());
  alarm.cancel();
  CHECK_FALSE(alarm.pending());
}

TEST_CASE("alarm: setting it anew replaces what was pending, also on another loop") {
  ManualLoop loop, other;
  Alarm alarm;
  Rung rung;
  alarm.set(loop, 1, 0, true, &Rung::ring, &rung);
  alarm.set(other, 3, 0, true, &Rung::ring, &rung);
  CHECK(loop.active_count() == 0);
  loop.advance(10);
  CHECK(rung.times == 0);
  other.advance(3);
  CHECK(rung.times == 1);
}

TEST_CASE("alarm: what is cancelled or destroyed does not ring, and leaves nothing on the loop") {
  ManualLoop loop;
  Rung rung;
  {
    Alarm alarm;
    alarm.set(loop, 1, 0, true, &Rung::ring, &rung);
    alarm.cancel();
    alarm.cancel();
    CHECK(loop.active_count() == 0);
    alarm.set(loop, 1, 0, true, &Rung::ring, &rung);
  }
  CHECK(loop.active_count() == 0);
  loop.advance(5);
  CHECK(rung.times == 0);
}
