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
//
// While somebody sleeps it also looks without having heard anything: after kFirstLook, and less and less often up to
// once in wake::kLookAgainMax. So what a killed process has left is found.
class LaneWatch {
 public:
  static Result<std::unique_ptr<LaneWatch>> create(Loop& loop) noexcept;

  // Between these two, this process's lane of `arena` is heard. May nest. An error: it cannot be (no descriptor, no
  // lane), and end_sleep() is not due.
  Result<void> begin_sleep(const std::shared_ptr<SharedArena>& arena) noexcept;
  void end_sleep() noexcept;

  [[nodiscard]] Loop* loop() const noexcept { return heard_.loop(); }  // nullptr once the loop is gone

 private:
  // One lane that is listened to.
  struct Ear {
    std::uint64_t tag;
    std::weak_ptr<SharedArena> arena;
  };

  LaneWatch(Loop& loop, EdgeSet edges) noexcept;
  static void on_rings(Watcher& watcher, int revents) noexcept;
  static void on_time(Watcher& watcher, int revents) noexcept;
  static void on_fork(Watcher& watcher, int revents) noexcept;
  Result<void> listen(SharedArena& arena, std::uint64_t tag) noexcept;
  void forget_dead_arenas() noexcept;
  void look_again() noexcept;
  void listen_again() noexcept;

  EdgeSet edges_;
  std::vector<Ear> ears_;
  std::uint64_t next_tag_ = 0;
  std::size_t sleepers_ = 0;
  Io heard_;
  Timer looks_;  // goes on for one time after the last sleeper has gone, so that a short sleep costs nothing
  Fork forked_;
};

}  // namespace gevent
