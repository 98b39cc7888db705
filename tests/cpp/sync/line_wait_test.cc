#include "sync/line_wait.h"

#include "doctest/doctest.h"
#include "sync/counting_waiter.h"

using namespace gevent;

TEST_CASE("a stay without a limit is always unlimited, and needs no clock") {
  Line line;
  LineWait wait;
  wait.enter(line, -1);
  CHECK(wait.left() < 0);
  wait.arrive();
  CHECK(wait.left() < 0);
}

TEST_CASE("the first round may last as long as was asked for, later ones no longer than what is left") {
  Line line;
  LineWait wait;
  wait.enter(line, 1000);
  CHECK(wait.left() == 1000);
  CHECK_FALSE(wait.goes_first());
  wait.arrive();
  CHECK(wait.left() > 0);
  CHECK(wait.left() <= 1000);
  CHECK(wait.goes_first());
}

TEST_CASE("a stay whose time is over has nothing left, and never less") {
  Line line;
  LineWait wait;
  wait.enter(line, 0);
  wait.arrive();
  CHECK(wait.left() == 0);
}

TEST_CASE("who is woken and leaves without a word lets the next offer go to the next in line") {
  Line line;
  CountingWaiter first, second;
  {
    LineWait wait;
    wait.enter(line, -1);
    first.cookie = wait.ticket();
    line.queue.enqueue(first);
    line.offer(1);
    CHECK(first.woken == 1);
  }
  LineWait other;
  other.enter(line, -1);
  second.cookie = other.ticket();
  line.queue.enqueue(second);
  line.offer(1);
  CHECK(second.woken == 1);
}

TEST_CASE("leaving twice gives one ticket back") {
  Line line;
  LineWait wait;
  wait.enter(line, -1);
  wait.leave();
  CHECK(wait.ticket() == nullptr);
  wait.leave();
  LineWait first, second;
  first.enter(line, -1);
  second.enter(line, -1);
  CHECK(first.ticket() != second.ticket());
}
