#include "ipc/shared_arena.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <set>

#include "ipc/children.h"
#include "ipc/sleeper.h"

namespace gevent {
namespace {

std::size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::size_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

}  // namespace

TEST_CASE("descriptors do not grow with the number of semaphores") {
  const auto arena = make_arena();
  SharedSemaphore first(arena, arena->allocate(1).value());
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
  const std::shared_ptr<SharedArena> other = attach_again(*arena);
  const SharedArena::Place place = arena->allocate(1).value();
  std::optional<SharedSemaphore> there;
  {
    const SharedSemaphore here(arena, place);
    REQUIRE(other->join(place));
    there.emplace(other, place);
  }
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 5000; ++i) {
    SharedSemaphore another(arena, arena->allocate(1).value());
    seen.insert(another.slot());
  }
  CHECK(seen.size() == 1);
  CHECK(seen.count(place.slot) == 0);
  there.reset();
  std::vector<std::unique_ptr<SharedSemaphore>> many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back(std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value()));
    seen.insert(many.back()->slot());
  }
  CHECK(seen.count(place.slot) == 1);
  CHECK_FALSE(other->join(place));  // the one that was there is gone
}

TEST_CASE("several objects of a process for one semaphore keep it as long as one of them lives") {
  const auto arena = make_arena();
  const SharedArena::Place place = arena->allocate(1).value();
  std::optional<SharedSemaphore> first(std::in_place, arena, place);
  REQUIRE(arena->join(place));
  std::optional<SharedSemaphore> second(std::in_place, arena, place);
  first.reset();
  CHECK(arena->in_use(place.slot));
  second.reset();
  CHECK_FALSE(arena->in_use(place.slot));
}

TEST_CASE("a forked child is a user until it lets go") {
  const auto arena = make_arena();
  auto semaphore = std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value());
  const std::uint32_t slot = semaphore->slot();
  SharedSemaphore parent_is_done(arena, arena->allocate(0).value());
  Children children;
  arena->before_fork();
  children.start([&] {
    arena->after_fork_in_child();
    Sleeper sleeper(*arena);
    if (!sleeper.acquire(parent_is_done)) return 1;
    if (!arena->in_use(slot)) return 2;
    arena->leave_all();
    return arena->made_here() || arena->in_use(slot) ? 3 : 0;
  });
  arena->after_fork_in_parent();
  semaphore.reset();
  CHECK(parent_is_done.release(1));
  CHECK(children.join() == 0);
  CHECK_FALSE(arena->in_use(slot));
}

TEST_CASE("what killed processes used comes back, however many there are") {
  constexpr int kRounds = 600;  // more than there are numbers for processes
  constexpr int kEach = 6;
  const auto arena = make_arena();
  Children children;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<SharedSemaphore>> semaphores;
    for (int i = 0; i < kEach; ++i) {
      semaphores.push_back(std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value()));
    }
    arena->before_fork();
    const pid_t pid = children.start([&] {
      if (round % 2 == 0) arena->after_fork_in_child();  // the others die before they could
      ::pause();
      return 0;
    });
    arena->after_fork_in_parent();
    ::kill(pid, SIGKILL);
    CHECK(children.join() == -SIGKILL);
  }
  CHECK(arena->slots_touched() < 1100);
  std::uint32_t entries = 0;
  for (std::uint32_t i = 0; i < arena->processes().size(); ++i) entries += arena->processes()[i].owner != 0 ? 1 : 0;
  CHECK(entries <= arena->processes().size());
  CHECK(arena->allocate(1).has_value());
}

TEST_CASE("a process that closes all its descriptors is not taken for dead") {
  const auto arena = make_arena();
  auto semaphore = std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value());
  const std::uint32_t slot = semaphore->slot();
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  Children children;
  arena->before_fork();
  const pid_t pid = children.start([&] {
    arena->after_fork_in_child();
    for (int fd = 3; fd < 100; ++fd) {
      if (fd != ready[1]) ::close(fd);
    }
    if (::write(ready[1], "", 1) != 1) return 1;
    ::pause();
    return 0;
  });
  arena->after_fork_in_parent();
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  semaphore.reset();
  const auto make_many = [&] {
    std::vector<std::unique_ptr<SharedSemaphore>> many;
    for (int i = 0; i < 1500; ++i) {
      many.push_back(std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value()));
    }
  };
  make_many();
  CHECK(arena->in_use(slot));
  ::kill(pid, SIGKILL);
  CHECK(children.join() == -SIGKILL);
  std::vector<std::unique_ptr<SharedSemaphore>> more;
  for (int i = 0; i < 3000; ++i) {
    more.push_back(std::make_unique<SharedSemaphore>(arena, arena->allocate(1).value()));
  }
  CHECK(std::any_of(more.begin(), more.end(), [&](auto& each) { return each->slot() == slot; }));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("more processes than there are numbers for take turns all the same") {
  const auto arena = make_arena();
  SharedSemaphore gate(arena, arena->allocate(0).value());
  std::vector<std::uint32_t> taken;
  for (std::uint32_t i = 0; i < arena->processes().size(); ++i) {
    std::uint32_t nobody = 0;
    // As if this process were all of them: alive, and without a lock.
    if (arena->processes()[i].owner.compare_exchange_strong(nobody, static_cast<std::uint32_t>(::getpid()))) {
      taken.push_back(i);
    }
  }
  Children children;
  arena->before_fork();
  children.start([&] {
    arena->after_fork_in_child();
    if (arena->sleeper_number()) return 1;
    if (gate.announce_sleep()) return 2;
    for (int i = 0; i < 10'000 && !gate.try_acquire(); ++i) ::usleep(1000);
    arena->leave_all();
    return 0;
  });
  arena->after_fork_in_parent();
  CHECK(gate.release(1));
  CHECK(children.join() == 0);
  CHECK(arena->slot(gate.slot()).unmarked_users == 0);
}

TEST_CASE("processes spread over the lanes") {
  const auto arena = make_arena();
  SharedSemaphore done(arena, arena->allocate(0).value());
  SharedSemaphore stop(arena, arena->allocate(0).value());
  Children children;
  constexpr int kProcesses = 2 * SharedArena::kLanes;
  Sleeper sleeper(*arena);
  for (int i = 1; i < kProcesses; ++i) {
    arena->before_fork();
    children.start([&] {
      arena->after_fork_in_child();
      Sleeper there(*arena);
      return done.release(99) && there.acquire(stop, 20'000) ? 0 : 1;
    });
    arena->after_fork_in_parent();
    REQUIRE(sleeper.acquire(done, 20'000));
  }
  std::array<int, SharedArena::kLanes> listeners{};
  for (std::uint32_t i = 0; i < kProcesses; ++i) ++listeners[arena->processes()[i].lane - 1];
  CHECK(std::all_of(listeners.begin(), listeners.end(), [](int count) { return count == 2; }));
  for (int i = 1; i < kProcesses; ++i) CHECK(stop.release(99));
  for (int i = 1; i < kProcesses; ++i) CHECK(children.join() == 0);
}

TEST_CASE(
    "without descriptors for lanes there are semaphores all the same, and room for few when files must be small") {
  Children children;
  children.start([] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    OwnedFd last(::dup(0));
    limit.rlim_cur = static_cast<rlim_t>(last.get()) + 2;
    last.reset();
    ::setrlimit(RLIMIT_NOFILE, &limit);
    Result<std::unique_ptr<SharedArena>> made = SharedArena::create();
    if (!made) return 1;
    const std::shared_ptr<SharedArena> arena = std::move(made).value();
    SharedSemaphore semaphore(arena, arena->allocate(1).value());
    if (arena->descriptors().size() > 2) return 2;
    return semaphore.try_acquire() && semaphore.release(1) ? 0 : 3;
  });
  CHECK(children.join() == 0);
  for (const rlim_t bytes : {4096, 65536}) {
    children.start([bytes] {
      const rlimit limit{bytes, bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      const std::shared_ptr<SharedArena> arena = make_arena();
      std::vector<std::unique_ptr<SharedSemaphore>> all;
      while (const std::optional<SharedArena::Place> place = arena->allocate(1)) {
        all.push_back(std::make_unique<SharedSemaphore>(arena, *place));
        if (!all.back()->try_acquire()) return 1;
      }
      return all.size() > bytes / 256 - 10 ? 0 : 2;
    });
    CHECK(children.join() == 0);
  }
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

}  // namespace gevent
