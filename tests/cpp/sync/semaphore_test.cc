#include "sync/semaphore.h"

#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "doctest/doctest.h"
#include "sync/counting_waiter.h"

using namespace gevent;

TEST_CASE("release() wakes the first in line, and the unit stays until it is taken") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line);

  semaphore.release();
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 0);
  CHECK(semaphore.count() == 1);
  CHECK(semaphore.try_acquire());
  CHECK_FALSE(semaphore.try_acquire());
}

TEST_CASE("two units wake two waiters, in order") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line), third(semaphore.line);
  semaphore.release();
  semaphore.release();
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 1);
  CHECK(third.woken() == 0);
}

TEST_CASE("a unit that somebody took before the woken waiter came wakes nobody else when it is released again") {
  Semaphore semaphore(1);
  CHECK(semaphore.try_acquire());
  LineWaiter first(semaphore.line), second(semaphore.line);
  for (int round = 0; round < 3; ++round) {
    semaphore.release();
    CHECK(semaphore.try_acquire());
  }
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 0);

  first.arrive();
  first.again();
  semaphore.release();
  CHECK(first.woken() == 2);
  CHECK(second.woken() == 0);
}

TEST_CASE("a waiter killed between its wake-up and its turn passes the wake-up on") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line);
  semaphore.release();
  CHECK(first.woken() == 1);

  first.leave();
  semaphore.pass_on();
  CHECK(second.woken() == 1);
  CHECK(semaphore.count() == 1);
}

TEST_CASE("a waiter that gave up while it stood in line gets no wake-up, and the next one does") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line);
  first.leave();
  semaphore.release();
  CHECK(first.woken() == 0);
  CHECK(second.woken() == 1);
}

TEST_CASE("a waiter without a ticket is told in its turn, and takes nothing from those behind it") {
  Semaphore semaphore(0);
  CountingWaiter link;
  semaphore.line.queue.enqueue(link);
  LineWaiter first(semaphore.line);
  CountingWaiter last_link;
  semaphore.line.queue.enqueue(last_link);

  semaphore.release();
  CHECK(link.woken == 1);
  CHECK(first.woken() == 1);
  // The unit is as good as taken.
  CHECK(last_link.woken == 0);
  CHECK(semaphore.count() == 1);
}

TEST_CASE("when somebody else takes the units, those on their way go back to the front in their old order") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line), third(semaphore.line);
  for (LineWaiter* each : {&first, &second, &third}) each->waiter.gives_back = true;
  semaphore.release();
  semaphore.release();
  CHECK(second.woken() == 1);

  CHECK(semaphore.try_acquire());
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 0);
  CHECK(semaphore.try_acquire());
  CHECK(first.woken() == 0);

  semaphore.release();
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 0);
  first.arrive();
  CHECK(semaphore.try_acquire());
  semaphore.release();
  CHECK(second.woken() == 1);
  CHECK(third.woken() == 0);
}

TEST_CASE("one that has begun to run cannot be taken back, and keeps its place on the way") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line);
  semaphore.release();
  CHECK(semaphore.try_acquire());
  semaphore.release();
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 0);
}

TEST_CASE("one that was served on its way does not keep the next one from being woken") {
  Line line;
  LineWaiter first(line), second(line);
  line.offer(1);
  line.serve(*first.ticket);
  line.offer(1);
  CHECK(second.woken() == 1);
}

TEST_CASE("wake_all() wakes everybody, also beyond what there is to take") {
  Line line;
  LineWaiter first(line), second(line);
  line.offer(1);
  line.wake_all();
  CHECK(first.woken() == 1);
  CHECK(second.woken() == 1);
  CHECK(line.empty());
}

TEST_CASE("who is on the way can be served before it arrives, and one who only looks is not asked") {
  Line line;
  int item = 7;
  LineWaiter looker(line, nullptr, false), taker(line, &item);
  line.wake_all();
  REQUIRE(line.first_on_its_way() == taker.ticket);
  CHECK(line.first_on_its_way()->item == &item);
  line.serve(*taker.ticket);
  CHECK(taker.ticket->served);
  CHECK(line.first_on_its_way() == nullptr);
}

TEST_CASE("after a fork, a waiter of an abandoned loop is passed over and those on their way are not waited for") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Nothing before the fork: the child counts one fork and behaves as any later process would.
    Semaphore semaphore(0);
    LineWaiter gone(semaphore.line), second(semaphore.line);
    gone.waiter.is_stale = true;
    semaphore.release();
    ::_exit(gone.woken() == 0 && second.woken() == 1 && fork_generation() == 1 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a waiter that was on its way when the process forked does not keep later ones from being woken") {
  Semaphore semaphore(0);
  LineWaiter first(semaphore.line), second(semaphore.line);
  semaphore.release();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    semaphore.pass_on();
    bool right = second.woken() == 1;
    // Should the first one arrive after all, the count of those on their way stays right.
    first.arrive();
    second.arrive();
    second.again();
    semaphore.pass_on();
    right = right && second.woken() == 2;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
