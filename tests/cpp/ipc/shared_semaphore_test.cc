#include "ipc/shared_semaphore.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/mman.h>

#include <dirent.h>
#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "ipc/children.h"
#include "ipc/edge_set.h"

namespace gevent {
namespace {

class CountingWaiter final : public Waiter {
 public:
  void wake() noexcept override { ++woken; }
  int woken = 0;
};

std::shared_ptr<SharedArena> make_arena() {
  Result<std::unique_ptr<SharedArena>> made = SharedArena::create();
  REQUIRE(made.ok());
  return std::move(made).value();
}

std::vector<OwnedFd> duplicates(const std::vector<int>& descriptors) {
  std::vector<OwnedFd> copies;
  for (const int fd : descriptors) copies.emplace_back(::dup(fd));
  return copies;
}

// What a loop does for a parked greenlet, with poll().
class Sleeper {
 public:
  explicit Sleeper(const SharedArena& arena) : edges_(std::move(EdgeSet::create()).value()) {
    for (const Lane& lane : arena.lanes()) static_cast<void>(edges_.add(lane.fd(), 0).ok());
  }

  bool acquire(SharedSemaphore& semaphore, int timeout_ms = -1) {
    for (;;) {
      semaphore.announce_sleep();
      if (semaphore.try_acquire()) return true;
      if (!hears(timeout_ms)) return semaphore.try_acquire();
      if (semaphore.try_acquire()) return true;
    }
  }

  bool hears(int timeout_ms) {
    pollfd queue{edges_.fd(), POLLIN, 0};
    const bool heard = ::poll(&queue, 1, timeout_ms) == 1;
    std::array<std::uint64_t, 16> tags;
    while (edges_.collect(tags) == tags.size()) {
    }
    return heard;
  }

 private:
  EdgeSet edges_;
};

std::size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

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

TEST_CASE("nobody rings when nobody sleeps") {
  const auto arena = make_arena();
  SharedSemaphore semaphore(arena, arena->allocate(0).value());
  Sleeper sleeper(*arena);
  sleeper.hears(0);
  CHECK(semaphore.release(9));
  CHECK_FALSE(sleeper.hears(0));
  semaphore.announce_sleep();
  CHECK(semaphore.release(9));
  CHECK(sleeper.hears(0));
  CHECK(semaphore.release(9));
  CHECK_FALSE(sleeper.hears(0));
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
  semaphore.announce_sleep();
  for (Waiter* waiter : {static_cast<Waiter*>(&first), static_cast<Waiter*>(&second), static_cast<Waiter*>(&third)}) {
    semaphore.line.enqueue(*waiter);
  }
  arena->rang(semaphore.lane());
  CHECK(first.woken == 0);
  CHECK(semaphore.release(9));
  CHECK(semaphore.release(9));
  arena->rang(semaphore.lane());
  CHECK(first.woken == 1);
  CHECK(second.woken == 1);
  CHECK(third.woken == 0);
  CHECK(semaphore.value() == 2);
  semaphore.pass_on();
  CHECK(third.woken == 1);
}

TEST_CASE("who goes on sleeping after a ring for somebody else is still woken by the next unit") {
  const auto arena = make_arena();
  SharedSemaphore semaphore(arena, arena->allocate(0).value());
  CountingWaiter waiter;
  semaphore.announce_sleep();
  semaphore.line.enqueue(waiter);
  // Another process takes the unit of the first ring.
  CHECK(semaphore.release(9));
  CHECK(semaphore.try_acquire());
  arena->rang(semaphore.lane());
  CHECK(waiter.woken == 0);
  Sleeper sleeper(*arena);
  sleeper.hears(0);
  CHECK(semaphore.release(9));
  CHECK(sleeper.hears(0));
  arena->rang(semaphore.lane());
  CHECK(waiter.woken == 1);
}

TEST_CASE("descriptors do not grow with the number of semaphores") {
  const auto arena = make_arena();
  const std::size_t before = open_descriptors();
  std::vector<std::unique_ptr<SharedSemaphore>> semaphores;
  for (int i = 0; i < 20'000; ++i) {
    semaphores.push_back(std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value()));
  }
  CHECK(open_descriptors() == before);
  CHECK(std::all_of(semaphores.begin(), semaphores.end(), [](auto& each) { return each->try_acquire(); }));
}

TEST_CASE("a slot is used again once nobody in any process uses its semaphore") {
  const auto arena = make_arena();
  std::uint32_t slot;
  {
    SharedSemaphore semaphore(arena, arena->allocate(1).value());
    slot = semaphore.slot();
    arena->add_user(slot);  // handed to another process
  }
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 5000; ++i) {
    SharedSemaphore other(arena, arena->allocate(1).value());
    seen.insert(other.slot());
  }
  CHECK(seen.size() == 1);
  CHECK(seen.count(slot) == 0);
  arena->slot(slot).users.fetch_sub(1);  // what that process does in the end
  std::vector<std::unique_ptr<SharedSemaphore>> many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back(std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value()));
    seen.insert(many.back()->slot());
  }
  CHECK(seen.count(slot) == 1);
}

TEST_CASE("a forked child's copies count as users until it lets go of them") {
  const auto arena = make_arena();
  auto semaphore = std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value());
  const std::uint32_t slot = semaphore->slot();
  Children children;
  arena->add_users_of_child();
  children.start([&] {
    arena->remove_own_users();
    return arena->made_here() ? 1 : 0;
  });
  CHECK(children.join() == 0);
  CHECK(arena->slot(slot).users == 1);
  semaphore.reset();
  CHECK(arena->slot(slot).users == 0);
}

TEST_CASE("a process that is given the descriptors sees the same semaphores") {
  const auto arena = make_arena();
  SharedSemaphore here(arena, arena->allocate(1).value());
  Result<std::unique_ptr<SharedArena>> attached = SharedArena::attach(duplicates(arena->descriptors()));
  REQUIRE(attached.ok());
  const std::shared_ptr<SharedArena> other = std::move(attached).value();
  CHECK(other->id() == arena->id());
  CHECK_FALSE(other->made_here());
  arena->add_user(here.slot());
  SharedSemaphore there(other, here.slot());
  CHECK(there.try_acquire());
  CHECK_FALSE(here.try_acquire());
  Sleeper sleeper(*arena);
  sleeper.hears(0);
  here.announce_sleep();
  CHECK(there.release(1));
  CHECK(sleeper.hears(0));
}

TEST_CASE("descriptors of something else are refused") {
  const auto arena = make_arena();
  std::vector<OwnedFd> short_of_some = duplicates(arena->descriptors());
  short_of_some.pop_back();
  CHECK(SharedArena::attach(std::move(short_of_some)).error().code() == EINVAL);
  std::vector<OwnedFd> not_memory = duplicates(arena->descriptors());
  std::swap(not_memory[0], not_memory[1]);
  CHECK_FALSE(SharedArena::attach(std::move(not_memory)).ok());
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
