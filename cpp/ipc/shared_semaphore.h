// A counter that several processes draw from.
#pragma once
#include <cstdint>
#include <memory>

#include "ipc/shared_arena.h"
#include "sync/waiter.h"

namespace gevent {

// What a SharedSemaphore is known by in the list of all that this process has.
class SharedArena::Member : public ListNode {
 public:
  explicit Member(std::uint32_t slot) noexcept : slot(slot), counted_in(fork_generation()) {}
  // False in a child that was forked without add_users_of_child().
  [[nodiscard]] bool counted() const noexcept {
    return counted_in == fork_generation() || forked_to == fork_generation();
  }

  const std::uint32_t slot;
  const std::uint64_t counted_in;
  std::uint64_t forked_to = 0;
};

// One process's object for a slot of an arena; see shared_arena.h for how it works. Units go to whoever takes first: a
// process that comes by may be faster than one that was woken.
//
// The callers of one process take turns, and wait in its line; a waiter that is woken tries again. To wait:
//
//     for (;;) {
//       semaphore.announce_sleep();           // from now on, a unit that comes back wakes the line
//       if (semaphore.try_acquire()) break;   // one that came back before that
//       ... stand in semaphore.line until woken, while the loop listens (LaneWatch) ...
//       if (semaphore.try_acquire()) break;   // or go round
//     }
//     semaphore.pass_on();                    // also when giving up: what is left is for the next in line
class SharedSemaphore : public ListNode {
 public:
  // Stands for `slot`, where it is counted as a user already; ends that when destroyed.
  SharedSemaphore(std::shared_ptr<SharedArena> arena, std::uint32_t slot) noexcept;
  ~SharedSemaphore();

  // Takes one unit now, or returns false. No system call, any process, any thread.
  [[nodiscard]] bool try_acquire() noexcept {
    std::uint32_t units = slot_.value.load(std::memory_order_relaxed);
    while (units > 0) {
      if (slot_.value.compare_exchange_weak(units, units - 1)) return true;
    }
    return false;
  }

  // Gives one unit back, or returns false if there are `maximum` already. A system call only where somebody sleeps.
  [[nodiscard]] bool release(std::uint32_t maximum) noexcept {
    std::uint32_t units = slot_.value.load(std::memory_order_relaxed);
    do {
      if (units >= maximum) return false;
    } while (!slot_.value.compare_exchange_weak(units, units + 1));
    if (slot_.asleep.load() != 0) [[unlikely]]
      wake_sleepers();
    return true;
  }

  [[nodiscard]] std::uint32_t value() const noexcept { return slot_.value.load(); }

  // Those of this process who wait. A Waiter that enters calls announce_sleep() first.
  WaitQueue line;
  void announce_sleep() noexcept;
  // Wakes the next in line if there is a unit to try for.
  void pass_on() noexcept {
    if (!line.empty() && value() > 0) line.wake_one();
  }
  // The lane rang: wakes as many as there are units.
  void look_again() noexcept;
  // In a forked child whose parent's greenlets are gone: nobody is in line any more.
  void forget_line() noexcept;

  [[nodiscard]] SharedArena& arena() const noexcept { return *arena_; }
  [[nodiscard]] const std::shared_ptr<SharedArena>& shared_arena() const noexcept { return arena_; }
  [[nodiscard]] std::uint32_t slot() const noexcept { return member_.slot; }
  [[nodiscard]] std::size_t lane() const noexcept { return member_.slot % SharedArena::kLanes; }

 private:
  void wake_sleepers() noexcept;

  std::shared_ptr<SharedArena> arena_;
  SharedArena::Member member_;
  SharedArena::Slot& slot_;
};

}  // namespace gevent
