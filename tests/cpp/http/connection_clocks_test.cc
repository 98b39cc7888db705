#include "http/connection_clocks.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "base/owned_fd.h"

namespace gevent::http {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    here = OwnedFd(ends[0]);
    there = OwnedFd(ends[1]);
  }
  // Whether somebody who waits to read here would meet the end.
  [[nodiscard]] bool at_end() const {
    char byte;
    return ::recv(here.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }
  OwnedFd here, there;
};

ClockLimits limits() {
  ClockLimits all;
  all.idle = 10;
  all.head = 4;
  all.send = 2;
  all.body_rate_min = 100;
  all.body_grace = 3;
  return all;
}

}  // namespace

TEST_CASE("a phase that lasts longer than its limit ends the stream, and none that changes in time does") {
  ConnectionClocks clocks(limits());
  Pair pair;
  ConnectionClock clock(pair.here.get());
  clocks.add(clock);
  clocks.sweep(0);
  for (int second = 1; second < 20; ++second) {
    clock.enter(second % 2 != 0 ? Phase::kIdle : Phase::kHead);
    clocks.sweep(second);
    CHECK_FALSE(clock.expired());
  }
  clock.enter(Phase::kHead);
  for (int second = 20; second < 24; ++second) clocks.sweep(second);
  CHECK_FALSE(clock.expired());
  CHECK_FALSE(pair.at_end());
  clocks.sweep(24);
  CHECK(clock.expired());
  CHECK(pair.at_end());
}

TEST_CASE("a handshake has its own limit, and ends when the server stops") {
  ClockLimits all;
  all.handshake = 4;
  ConnectionClocks clocks(all);
  CHECK(clocks.interval() == doctest::Approx(0.5));
  Pair late;
  Pair stopped;
  ConnectionClock first(late.here.get());
  ConnectionClock second(stopped.here.get());
  clocks.add(first);
  clocks.add(second);
  first.enter(Phase::kHandshake);
  second.enter(Phase::kHandshake);
  second.close_soon();
  CHECK(stopped.at_end());
  for (int second_now = 0; second_now < 4; ++second_now) clocks.sweep(second_now);
  CHECK_FALSE(first.expired());
  clocks.sweep(4);
  CHECK(first.expired());
  CHECK(late.at_end());
}

TEST_CASE("who is not waited for has all the time there is") {
  ConnectionClocks clocks(limits());
  Pair pair;
  ConnectionClock clock(pair.here.get());
  clocks.add(clock);
  for (int second = 0; second < 100; ++second) clocks.sweep(second);
  CHECK_FALSE(clock.expired());
}

TEST_CASE("a body has to come at a rate while it is waited for, after a while of grace") {
  ConnectionClocks clocks(limits());
  Pair pair;
  ConnectionClock clock(pair.here.get());
  clocks.add(clock);
  clock.begin_body();
  double now = 0;
  const auto wait_a_second = [&] {
    clock.enter(Phase::kBody);
    clocks.sweep(now += 1);
  };
  clocks.sweep(now);
  for (int i = 0; i < 10; ++i) {
    wait_a_second();
    clock.received(200);
    clock.enter(Phase::kBusy);
    for (int pause = 0; pause < 5; ++pause) clocks.sweep(now += 1);  // the application's time
  }
  CHECK_FALSE(clock.expired());
  for (int i = 0; i < 15; ++i) wait_a_second();
  CHECK(clock.expired());
}

TEST_CASE("a server that stops ends the wait for a request, and leaves what has begun") {
  Pair idle, busy;
  ConnectionClock first(idle.here.get()), second(busy.here.get());
  first.enter(Phase::kIdle);
  second.enter(Phase::kHead);
  first.close_soon();
  second.close_soon();
  CHECK(idle.at_end());
  CHECK_FALSE(busy.at_end());
  CHECK(second.closing());
  second.cut();
  CHECK(busy.at_end());
}

TEST_CASE("the interval is an eighth of the shortest limit, within bounds") {
  CHECK(ConnectionClocks(ClockLimits{}).interval() < 0);
  CHECK(ConnectionClocks(limits()).interval() == doctest::Approx(0.25));
  ClockLimits one;
  one.head = 60;
  CHECK(ConnectionClocks(one).interval() == doctest::Approx(1));
  one.head = 0.001;
  CHECK(ConnectionClocks(one).interval() == doctest::Approx(0.02));
}

}  // namespace gevent::http
