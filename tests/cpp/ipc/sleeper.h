// Arenas for tests, and sleepers that need no loop.
#pragma once
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "ipc/edge_set.h"
#include "ipc/shared_semaphore.h"

namespace gevent {

inline std::shared_ptr<SharedArena> make_arena() {
  Result<std::unique_ptr<SharedArena>> made = SharedArena::create();
  REQUIRE(made.ok());
  return std::move(made).value();
}

inline std::vector<OwnedFd> duplicates(const std::vector<int>& descriptors) {
  std::vector<OwnedFd> copies;
  for (const int fd : descriptors) copies.emplace_back(::dup(fd));
  return copies;
}

inline std::shared_ptr<SharedArena> attach_again(const SharedArena& arena) {
  Result<std::unique_ptr<SharedArena>> attached = SharedArena::attach(duplicates(arena.descriptors()));
  REQUIRE(attached.ok());
  return std::move(attached).value();
}

// What a loop does for a parked greenlet, with poll(). One for a process.
class Sleeper {
 public:
  explicit Sleeper(SharedArena& arena) : arena_(arena), edges_(std::move(EdgeSet::create()).value()) {
    static_cast<void>(edges_.add(arena.lane_of(arena.sleeper_number().value())->fd(), 0).ok());
    hears(0);
  }

  bool acquire(SharedSemaphore& semaphore, int timeout_ms = -1) {
    bool taken;
    semaphore.begin_sleep();
    for (;;) {
      semaphore.announce_sleep();
      taken = semaphore.try_acquire();
      if (taken || !hears(timeout_ms)) break;
    }
    semaphore.end_sleep();
    return taken;
  }

  bool hears(int timeout_ms) {
    pollfd queue{edges_.fd(), POLLIN, 0};
    const bool heard = ::poll(&queue, 1, timeout_ms) == 1;
    std::array<std::uint64_t, 16> tags;
    while (edges_.collect(tags) == tags.size()) {
    }
    if (heard) arena_.rang();
    return heard;
  }

 private:
  SharedArena& arena_;
  EdgeSet edges_;
};

// Stands in the line as a greenlet does.
class Waiting {
 public:
  explicit Waiting(SharedSemaphore& semaphore) : semaphore_(semaphore) {
    semaphore.begin_sleep();
    semaphore.announce_sleep();
  }
  ~Waiting() { semaphore_.end_sleep(); }

 private:
  SharedSemaphore& semaphore_;
};

}  // namespace gevent
