#include "ipc/shared_semaphore.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "ipc/children.h"
#include "ipc/edge_set.h"
#include "ipc/sleeper.h"

namespace gevent {
namespace {

class CountingWaiter final : public Waiter {
 public:
  void wake() noexcept override { ++woken; }
  int woken = 0;
};

}  // namespace

TEST_CASE("units are taken until there are none, and given back until there are too many") {
  const auto arena = make_arena();
  SharedSemaphore semaphore(arena, arena->allocate(2).value());
  CHECK(semaphore.try_acquire());
  CHECK(semaphore.try_acquire());
  CHECK_FALSE(semaphore.try_acquire());
  CHECK(semaphore.release(2));
  CHECK(semaphore.release(2));
  CHECK_FALSE(semaphore.release(2));
  CHECK(semaphore.value() == 2);
}

TEST_CASE("nobody rings when nobody sleeps, nor who was rung and has not heard it") {
  const auto arena = make_arena();
  SharedSemaphore semaphore(arena, arena->allocate(0).value());
  Sleeper sleeper(*arena);
  CHECK(semaphore.release(9));
  CHECK_FALSE(sleeper.hears(0));
  const Waiting waiting(semaphore);
  CHECK(semaphore.release(9));
  CHECK(semaphore.release(9));
  CHECK(sleeper.hears(0));
  CHECK_FALSE(sleeper.hears(0));
  CHECK(semaphore.release(9));
  CHECK(sleeper.hears(0));
}

TEST_CASE("everybody who listens to a lane hears a ring, and nobody hears it for another") {
  for (const bool pipes : {false, true}) {
    Result<Lane> lane = pipes ? Lane::create_pipe() : Lane::create();
    REQUIRE(lane.ok());
    std::vector<EdgeSet> listeners;
    for (std::uint64_t i = 0; i < 3; ++i) {
      listeners.push_back(std::move(EdgeSet::create()).value());
      REQUIRE(listeners.back().add(lane.value().fd(), 40 + i).ok());
    }
    std::array<std::uint64_t, 4> tags;
    for (EdgeSet& listener : listeners) static_cast<void>(listener.collect(tags));
    for (int round = 0; round < 3; ++round) {
      lane.value().ring();
      lane.value().ring();
      for (std::uint64_t i = 0; i < 3; ++i) {
        CHECK(listeners[i].collect(tags) == 1);
        CHECK(tags[0] == 40 + i);
        CHECK(listeners[i].collect(tags) == 0);
      }
    }
  }
}

TEST_CASE("a pipe that is full still rings") {
  Result<Lane> lane = Lane::create_pipe();
  REQUIRE(lane.ok());
  EdgeSet edges = std::move(EdgeSet::create()).value();
  REQUIRE(edges.add(lane.value().fd(), 1).ok());
  std::array<std::uint64_t, 4> tags;
  for (int i = 0; i < 200'000; ++i) {
    lane.value().ring();
    REQUIRE(edges.collect(tags) == 1);
  }
}

TEST_CASE("a ring wakes as many in line as there are units") {
  const auto arena = make_arena();
  SharedSemaphore semaphore(arena, arena->allocate(0).value());
  CountingWaiter first, second, third;
  for (int i = 0; i < 3; ++i) semaphore.begin_sleep();
  semaphore.announce_sleep();
  for (Waiter* waiter : {static_cast<Waiter*>(&first), static_cast<Waiter*>(&second), static_cast<Waiter*>(&third)}) {
    semaphore.line.enqueue(*waiter);
  }
  arena->rang();
  CHECK(first.woken == 0);
  CHECK(semaphore.release(9));
  CHECK(semaphore.release(9));
  arena->rang();
  CHECK(first.woken == 1);
  CHECK(second.woken == 1);
  CHECK(third.woken == 0);
  CHECK(semaphore.value() == 2);
  semaphore.end_sleep();  // the first gives up
  CHECK(third.woken == 1);
}

TEST_CASE("who goes on sleeping after a ring for somebody else is still woken by the next unit") {
  const auto arena = make_arena();
  SharedSemaphore semaphore(arena, arena->allocate(0).value());
  Sleeper sleeper(*arena);
  CountingWaiter waiter;
  const Waiting waiting(semaphore);
  semaphore.line.enqueue(waiter);
  // Another process takes the unit of the first ring.
  CHECK(semaphore.release(9));
  CHECK(semaphore.try_acquire());
  CHECK(sleeper.hears(0));
  CHECK(waiter.woken == 0);
  CHECK(semaphore.release(9));
  CHECK(sleeper.hears(0));
  CHECK(waiter.woken == 1);
}

TEST_CASE("a unit rings one process, the next one another, and who leaves passes his ring on") {
  const auto arena = make_arena();
  SharedSemaphore units(arena, arena->allocate(0).value());
  SharedSemaphore asleep(arena, arena->allocate(0).value());
  SharedSemaphore taken(arena, arena->allocate(0).value());
  SharedSemaphore rings(arena, arena->allocate(0).value());
  Children children;
  constexpr int kProcesses = 5;
  for (int i = 0; i < kProcesses; ++i) {
    arena->before_fork();
    children.start([&] {
      arena->after_fork_in_child();
      Sleeper sleeper(*arena);
      bool first = true;
      units.begin_sleep();
      for (;;) {
        units.announce_sleep();
        if (units.try_acquire()) break;
        if (std::exchange(first, false) && !asleep.release(99)) return 1;
        if (!sleeper.hears(20'000) || !rings.release(99)) return 2;
      }
      units.end_sleep();
      return taken.release(99) ? 0 : 3;
    });
    arena->after_fork_in_parent();
  }
  Sleeper sleeper(*arena);
  for (int i = 0; i < kProcesses; ++i) REQUIRE(sleeper.acquire(asleep, 20'000));
  for (std::uint32_t i = 1; i <= kProcesses; ++i) {
    CHECK(units.release(99));
    REQUIRE(sleeper.acquire(taken, 20'000));
    CHECK(rings.value() == i);
  }
  for (int i = 0; i < kProcesses; ++i) CHECK(children.join() == 0);
}

TEST_CASE("a unit is not lost on a sleeper that was killed: the next is rung at once") {
  const auto arena = make_arena();
  SharedSemaphore units(arena, arena->allocate(0).value());
  SharedSemaphore asleep(arena, arena->allocate(0).value());
  SharedSemaphore taken(arena, arena->allocate(0).value());
  Children doomed, living;
  const auto sleep_for_one = [&] {
    arena->after_fork_in_child();
    Sleeper sleeper(*arena);
    units.begin_sleep();
    units.announce_sleep();
    if (!asleep.release(99)) return 1;
    return sleeper.acquire(units, 20'000) && taken.release(99) ? 0 : 2;
  };
  Sleeper sleeper(*arena);
  std::vector<pid_t> pids;
  for (int i = 0; i < 6; ++i) {
    arena->before_fork();
    pids.push_back((i < 5 ? doomed : living).start(sleep_for_one));
    arena->after_fork_in_parent();
    REQUIRE(sleeper.acquire(asleep, 20'000));
  }
  for (int i = 0; i < 5; ++i) ::kill(pids[static_cast<std::size_t>(i)], SIGKILL);
  for (int i = 0; i < 5; ++i) CHECK(doomed.join() == -SIGKILL);
  CHECK(units.release(99));
  CHECK(sleeper.acquire(taken, 20'000));
  CHECK(living.join() == 0);
}

TEST_CASE("a thread sleeps at the semaphore itself, and is woken by one that listens nowhere") {
  const auto arena = make_arena();
  SharedSemaphore units(arena, arena->allocate(0).value());
  SharedSemaphore about_to_sleep(arena, arena->allocate(0).value());
  Children children;
  arena->before_fork();
  children.start([&] {
    arena->after_fork_in_child();
    units.begin_thread_sleep();
    if (!about_to_sleep.release(1)) return 1;
    while (!units.try_acquire()) units.thread_sleep(std::chrono::seconds(20));
    units.end_thread_sleep();
    return 0;
  });
  arena->after_fork_in_parent();
  Sleeper sleeper(*arena);
  CHECK(sleeper.acquire(about_to_sleep, 20'000));
  CHECK(units.release(1));
  CHECK(children.join() == 0);
  CHECK(arena->slot(units.slot()).threads == 0);
}

TEST_CASE("a process that is given the descriptors sees the same semaphores") {
  const auto arena = make_arena();
  const SharedArena::Place place = arena->allocate(1).value();
  SharedSemaphore here(arena, place);
  const std::shared_ptr<SharedArena> other = attach_again(*arena);
  CHECK(other->id() == arena->id());
  CHECK_FALSE(other->made_here());
  REQUIRE(other->join(place));
  SharedSemaphore there(other, place);
  CHECK(there.try_acquire());
  CHECK_FALSE(here.try_acquire());
  Sleeper sleeper(*arena);
  const Waiting waiting(here);
  CHECK(there.release(1));
  CHECK(sleeper.hears(0));
}

TEST_CASE("four processes that take turns by two semaphores never overlap") {
  constexpr int kRounds = 3000;
  constexpr int kProcesses = 4;
  const auto arena = make_arena();
  SharedSemaphore lock(arena, arena->allocate(1).value());
  SharedSemaphore done(arena, arena->allocate(0).value());
  auto* counter =
      static_cast<int*>(::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Children children;
  for (int i = 0; i < kProcesses; ++i) {
    children.start([&] {
      Sleeper sleeper(*arena);
      for (int round = 0; round < kRounds; ++round) {
        if (!sleeper.acquire(lock)) return 1;
        const int seen = *static_cast<volatile int*>(counter);
        if (round % 16 == 0) ::usleep(1);  // let the others run into the lock
        *static_cast<volatile int*>(counter) = seen + 1;
        if (!lock.release(1)) return 2;
      }
      return done.release(kProcesses) ? 0 : 3;
    });
  }
  Sleeper sleeper(*arena);
  for (int i = 0; i < kProcesses; ++i) CHECK(sleeper.acquire(done, 25'000));
  for (int i = 0; i < kProcesses; ++i) CHECK(children.join() == 0);
  CHECK(*counter == kRounds * kProcesses);
  ::munmap(counter, sizeof(int));
}

TEST_CASE("two processes that wait for each other in turn are always woken") {
  constexpr int kRounds = 20'000;
  const auto arena = make_arena();
  SharedSemaphore ping(arena, arena->allocate(0).value());
  SharedSemaphore pong(arena, arena->allocate(0).value());
  Children children;
  children.start([&] {
    Sleeper sleeper(*arena);
    for (int i = 0; i < kRounds; ++i) {
      if (!sleeper.acquire(ping)) return 1;
      if (!pong.release(1)) return 2;
    }
    return 0;
  });
  Sleeper sleeper(*arena);
  int lost = 0;
  for (int i = 0; i < kRounds && lost == 0; ++i) {
    REQUIRE(ping.release(1));
    if (!sleeper.acquire(pong, 10'000)) ++lost;
  }
  CHECK(lost == 0);
  CHECK(children.join() == 0);
}

TEST_CASE("sleepers that are killed take no unit along") {
  const auto arena = make_arena();
  SharedSemaphore units(arena, arena->allocate(0).value());
  SharedSemaphore taken(arena, arena->allocate(0).value());
  const auto take_for_ever = [&] {
    Sleeper sleeper(*arena);
    while (sleeper.acquire(units)) {
      if (!taken.release(1'000'000)) return 1;
    }
    return 0;
  };
  Sleeper sleeper(*arena);
  for (int round = 0; round < 30; ++round) {
    Children doomed, survivors;
    std::vector<pid_t> pids;
    for (int i = 0; i < 3; ++i) pids.push_back(doomed.start(take_for_ever));
    survivors.start(take_for_ever);
    REQUIRE(units.release(100));
    REQUIRE(sleeper.acquire(taken, 10'000));  // they run
    for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
    int units_given = 0;
    for (int i = 0; i < 5; ++i) units_given += units.release(100) ? 1 : 0;
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    for (std::size_t i = 0; i < pids.size(); ++i) CHECK(doomed.join() == -SIGKILL);
    // One that was stopped between taking and telling keeps that one, as the holder of any lock does.
    int units_taken = 0;
    while (units_taken < units_given && sleeper.acquire(taken, units_taken < units_given - 3 ? 10'000 : 50))
      ++units_taken;
    CHECK(units_taken >= units_given - 3);
    CHECK(units.value() == 0);
  }
}

}  // namespace gevent
