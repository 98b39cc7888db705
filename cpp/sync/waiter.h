// Somebody who waits, and a line of them.
#pragma once
#include "base/intrusive_list.h"

namespace gevent {

// A Waiter stands in one WaitQueue at most and leaves it when woken, cancelled or destroyed. It lives on the heap or
// in a pool, never on a C stack: a parked greenlet's stack is copied away.
class Waiter : public ListNode {
 public:
  // Called once per wait, after this has left its queue. Schedules; never switches, never fails, and may be called
  // from another thread that holds the lock which guards the queue.
  virtual void wake() noexcept = 0;

  // For whoever wakes: what the waiter brought or wants (an item to put, a place for an item). Not on a C stack.
  void* cookie = nullptr;

 protected:
  ~Waiter() = default;
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
    Waiter* first = waiters_.pop_front();
    if (first == nullptr) return false;
    first->wake();
    return true;
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
