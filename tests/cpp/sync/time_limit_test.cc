#include "sync/time_limit.h"

#include <doctest/doctest.h>

#include <vector>

#include "loop/manual_loop.h"

using gevent::TimeLimit;
using gevent::Watcher;
using gevent::testing::ManualLoop;
using Start = TimeLimit::Start;

namespace {

std::vector<int> rung;

struct Limit {
  explicit Limit(int number = 0, bool one_shot = false, int priority = -1) : number(number) {
    core.set_up(true, priority, one_shot);
  }
  Start start(ManualLoop& loop) { return core.start(loop, &ring, this); }
  static void ring(Watcher& watcher, int) noexcept {
    auto& self = *static_cast<Limit*>(watcher.owner);
    self.for_good = self.core.rang();
    rung.push_back(self.number);
  }
  TimeLimit core;
  int number;
  bool for_good = false;
};

}  // namespace

TEST_CASE("time limit: it rings once, when its time is over and not before") {
  ManualLoop loop;
  Limit limit(7);
  rung.clear();
  limit.core.set_length(2.5);
  CHECK(limit.start(loop) == Start::kBegins);
  CHECK(limit.core.pending());
  loop.advance(2.25);
  CHECK(rung.empty());
  loop.advance(0.25);
  CHECK(rung == std::vector{7});
  CHECK_FALSE(limit.core.pending());
  CHECK_FALSE(limit.for_good);
  loop.advance(10);
  CHECK(rung.size() == 1);
  CHECK(loop.active_count() == 0);
}

TEST_CASE("time limit: without a length it is never over, and starting it leaves it as it is") {
  ManualLoop loop;
  Limit limit;
  CHECK(limit.start(loop) == Start::kNeverOver);
  CHECK_FALSE(limit.core.pending());
  CHECK(loop.active_count() == 0);
  limit.core.close();
  CHECK(limit.start(loop) == Start::kNeverOver);
}

TEST_CASE("time limit: one that is pending refuses, and goes on as it was") {
  ManualLoop loop;
  Limit limit(1);
  rung.clear();
  limit.core.set_length(1);
  CHECK(limit.start(loop) == Start::kBegins);
  loop.advance(0.75);
  limit.core.set_length(100);  // for the next time
  CHECK(limit.start(loop) == Start::kPending);
  loop.advance(0.25);
  CHECK(rung.size() == 1);
  CHECK(limit.start(loop) == Start::kBegins);
  loop.advance(99);
  CHECK(limit.core.pending());
}

TEST_CASE("time limit: stopped it does not ring, and may start anew; closed it may not") {
  ManualLoop loop;
  Limit limit(1);
  rung.clear();
  limit.core.set_length(1);
  CHECK(limit.start(loop) == Start::kBegins);
  limit.core.stop();
  limit.core.stop();
  loop.advance(5);
  CHECK(rung.empty());
  CHECK(limit.start(loop) == Start::kBegins);
  limit.core.close();
  CHECK(limit.core.closed());
  loop.advance(5);
  CHECK(rung.empty());
  CHECK(limit.start(loop) == Start::kClosed);
  limit.core.set_up(true, -1, false);
  CHECK(limit.start(loop) == Start::kBegins);
}

TEST_CASE("time limit: one for a single time is closed when it rings") {
  ManualLoop loop;
  Limit limit(1, true);
  limit.core.set_length(0);
  CHECK(limit.start(loop) == Start::kBegins);
  loop.advance(0);
  CHECK(limit.for_good);
  CHECK(limit.start(loop) == Start::kClosed);
}

TEST_CASE("time limit: of those that are over together the higher priority rings first, and others in their order") {
  ManualLoop loop;
  Limit low(1, false, -1), high(2, false, 1), sooner(3, false, -2), negative(4);
  rung.clear();
  low.core.set_length(2);
  high.core.set_length(2);
  sooner.core.set_length(1);
  negative.core.set_length(-3);
  for (Limit* each : {&low, &high, &sooner, &negative}) CHECK(each->start(loop) == Start::kBegins);
  loop.advance(2);
  CHECK(rung == std::vector{4, 3, 2, 1});
}

TEST_CASE("time limit: somebody else's timer that runs counts as pending") {
  TimeLimit limit;
  limit.set_length(1);
  CHECK(limit.may_start(true) == Start::kPending);
  CHECK(limit.may_start(false) == Start::kBegins);
}

TEST_CASE("time limit: its loop may be closed before it is over, and it may be destroyed while pending") {
  rung.clear();
  ManualLoop other;
  {
    Limit limit;
    ManualLoop loop;
    limit.core.set_length(1);
    CHECK(limit.start(loop) == Start::kBegins);
    loop.close();
    limit.core.stop();
    CHECK(limit.start(other) == Start::kBegins);
  }
  other.advance(5);
  CHECK(rung.empty());
}
