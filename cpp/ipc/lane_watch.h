// A loop's ear for the lanes of shared arenas.
#pragma once
#include <memory>
#include <vector>

#include "ipc/edge_set.h"
#include "ipc/shared_arena.h"
#include "loop/loop.h"

namespace gevent {

// Each loop that has somebody waiting for a SharedSemaphore has one of these; a ring then wakes the lines of the whole
// process, whichever loop hears it first. Holds its loop (as a watcher does) while somebody sleeps.
class LaneWatch {
 public:
  static Result<std::unique_ptr<LaneWatch>> create(Loop& loop) noexcept;

  // Between these two, rings of `lane` are heard. May nest.
  Result<void> begin_sleep(const std::shared_ptr<SharedArena>& arena, std::size_t lane) noexcept;
  void end_sleep() noexcept;

  [[nodiscard]] Loop* loop() const noexcept { return heard_.loop(); }  // nullptr once the loop is gone

 private:
  // One lane that is listened to.
  struct Ear {
    std::uint64_t tag;
    std::weak_ptr<SharedArena> arena;
    std::size_t lane;
    int fd;
  };

  LaneWatch(Loop& loop, EdgeSet edges) noexcept;
  static void on_rings(Watcher& watcher, int revents) noexcept;
  static void on_fork(Watcher& watcher, int revents) noexcept;
  void forget_dead_arenas() noexcept;
  void listen_again() noexcept;

  EdgeSet edges_;
  std::vector<Ear> ears_;
  std::uint64_t next_tag_ = 0;
  std::size_t sleepers_ = 0;
  Io heard_;
  Fork forked_;
};

}  // namespace gevent
