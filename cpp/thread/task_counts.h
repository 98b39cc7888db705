// How many tasks a pool has under way, how many it may have, and how many of its threads are to stay.
#pragma once
#include <cstdint>

#include "sync/waiter.h"

namespace gevent {

// Two numbers bound a pool: `limit` threads, and one task more than threads, so that a thread finds its next task
// ready. Callers take turns (the bindings hold the GIL).
class TaskCounts {
 public:
  explicit TaskCounts(std::int64_t limit) noexcept : limit_(limit) {}

  // Where to park: for a place, until nothing is under way, until some thread has ended.
  WaitQueue room;
  WaitQueue idle;
  WaitQueue left;

  // Takes a place for one task, or returns false: park in `room`, and try again.
  [[nodiscard]] bool try_reserve() noexcept {
    if (!has_room()) return false;
    ++unfinished_;
    return true;
  }
  // Lets the next one know that there is a place; also for a waiter that was woken and does not take it.
  void offer_room() noexcept {
    if (has_room()) room.wake_one();
  }
  // A task whose place was reserved is done.
  void finish() noexcept {
    --unfinished_;
    offer_room();
    if (unfinished_ == 0) idle.wake_all();
  }
  // Each who fits goes on by itself; those who do not fit wait again.
  void set_limit(std::int64_t limit) noexcept {
    limit_ = limit;
    room.wake_all();
  }
  [[nodiscard]] std::int64_t unfinished() const noexcept { return unfinished_; }

  // ---- threads ----

  // One was asked to end, and will.
  void note_asked() noexcept { ++leaving_; }
  // One has ended, because it was `asked` to or not.
  void note_parted(bool asked) noexcept {
    if (asked) --leaving_;
    left.wake_all();
  }
  // How many of `threads` have not been asked to end.
  [[nodiscard]] std::int64_t staying(std::int64_t threads) const noexcept { return threads - leaving_; }

 private:
  [[nodiscard]] bool has_room() const noexcept { return unfinished_ <= limit_; }

  std::int64_t limit_;
  std::int64_t unfinished_ = 0;
  std::int64_t leaving_ = 0;
};

}  // namespace gevent
