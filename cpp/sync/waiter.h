// Somebody who waits, and a line of them.
#pragma once
#include <cstdint>

#include "base/fork_generation.h"
#include "base/intrusive_list.h"

namespace gevent {

// A Waiter stands in one WaitQueue at most and leaves it when woken, cancelled or destroyed. It lives on the heap or
// in a pool, never on a C stack: a parked greenlet's stack is copied away.
class Waiter : public ListNode {
 public:
  // Called once per wait, after this has left its queue. Schedules; never switches, never fails, and may be called
  // from another thread that holds the lock which guards the queue.
  virtual void wake() noexcept = 0;

  // Takes a wake-up back, as if it had not been: true if that was still possible. Then this waits again, but stands in
  // no queue; whoever took it back puts it into one.
  virtual bool take_back() noexcept { return false; }

  // Whether nobody will come when this is woken: it belongs to a loop that was closed, or that a forked child
  // abandoned. Asked only after a loss; such a waiter is passed over, so that the one behind it gets the wake-up.
  [[nodiscard]] virtual bool stale() const noexcept { return false; }

  // For whoever wakes: what the waiter brought or wants (an item to put, a place for an item). Not on a C stack.
  void* cookie = nullptr;

 protected:
  ~Waiter() = default;
};

// Guarded by the lock that all callers hold.
class Losses {
 public:
  // How often waiters may have been left behind for ever.
  [[nodiscard]] static std::uint64_t count() noexcept { return fork_generation() + closed_loops_; }
  // A loop was closed although some waited in it.
  static void note() noexcept { ++closed_loops_; }

 private:
  static inline std::uint64_t closed_loops_ = 0;
};

// First come, first served. Owns nobody.
class WaitQueue {
 public:
  [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }
  [[nodiscard]] Waiter* front() noexcept { return waiters_.front(); }
  [[nodiscard]] Waiter* after(Waiter& waiter) noexcept { return waiters_.after(waiter); }
  void enqueue(Waiter& waiter) noexcept { waiters_.push_back(waiter); }
  void enqueue_first(Waiter& waiter) noexcept { waiters_.push_front(waiter); }

  // Wakes the first in line, who leaves it; returns whether there was one.
  bool wake_one() noexcept {
    drop_stale();
    Waiter* first = waiters_.pop_front();
    if (first == nullptr) return false;
    first->wake();
    return true;
  }

  // Lets those at the front leave who would not come.
  void drop_stale() noexcept {
    if (Losses::count() == 0) [[likely]]
      return;
    while (!waiters_.empty() && waiters_.front()->stale()) waiters_.pop_front();
  }

  // Wakes all who are in line now.
  void wake_all() noexcept {
    while (wake_one()) {
    }
  }

 private:
  IntrusiveList<Waiter> waiters_;
};

}  // namespace gevent
