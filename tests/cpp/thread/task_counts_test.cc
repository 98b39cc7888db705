#include "thread/task_counts.h"

#include <doctest/doctest.h>

#include "sync/counting_waiter.h"

using namespace gevent;

TEST_CASE("task counts: there is a place for each thread, and one task more") {
  TaskCounts counts(2);
  CHECK(counts.try_reserve());
  CHECK(counts.try_reserve());
  CHECK(counts.try_reserve());
  CHECK_FALSE(counts.try_reserve());
  CHECK(counts.unfinished() == 3);
}

TEST_CASE("task counts: a task that is done gives its place to the first who waits for one") {
  TaskCounts counts(0);
  CHECK(counts.try_reserve());
  CountingWaiter first, second;
  counts.room.enqueue(first);
  counts.room.enqueue(second);
  counts.finish();
  CHECK(first.woken == 1);
  CHECK(second.woken == 0);
  counts.offer_room();  // the first was killed on its way
  CHECK(second.woken == 1);
}

TEST_CASE("task counts: nobody is told of a place that there is not") {
  TaskCounts counts(0);
  CHECK(counts.try_reserve());
  CountingWaiter waiter;
  counts.room.enqueue(waiter);
  counts.offer_room();
  CHECK(waiter.woken == 0);
  counts.set_limit(3);
  CHECK(waiter.woken == 1);
  CHECK(counts.try_reserve());
}

TEST_CASE("task counts: who waits until nothing is left is woken by the last task") {
  TaskCounts counts(5);
  CHECK(counts.try_reserve());
  CHECK(counts.try_reserve());
  CountingWaiter waiter;
  counts.idle.enqueue(waiter);
  counts.finish();
  CHECK(waiter.woken == 0);
  counts.finish();
  CHECK(waiter.woken == 1);
}

TEST_CASE("task counts: threads that were asked to end do not stay, and whoever waits hears when one is gone") {
  TaskCounts counts(5);
  CHECK(counts.staying(3) == 3);
  counts.note_asked();
  counts.note_asked();
  CHECK(counts.staying(3) == 1);
  CountingWaiter waiter;
  counts.left.enqueue(waiter);
  counts.note_parted(true);
  CHECK(waiter.woken == 1);
  CHECK(counts.staying(2) == 1);
  counts.note_parted(false);  // of its own accord
  CHECK(counts.staying(1) == 0);
}
