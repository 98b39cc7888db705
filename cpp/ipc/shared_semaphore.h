// A counter that several processes draw from.
#pragma once
#include <cstdint>
#include <memory>

#include "ipc/shared_arena.h"
#include "ipc/wake_protocol.h"
#include "sync/waiter.h"

namespace gevent {

// What a SharedSemaphore is known by in the list of all that this process has.
class SharedArena::Member : public ListNode {
 public:
  explicit Member(std::uint32_t slot) noexcept : slot(slot), counted_in(fork_generation()) {}
  // False in a child that was forked without before_fork().
  [[nodiscard]] bool counted() const noexcept {
    return counted_in == fork_generation() || forked_to == fork_generation();
  }

  const std::uint32_t slot;
  const std::uint64_t counted_in;
  std::uint64_t forked_to = 0;
};

// One process's object for a slot of an arena; see shared_arena.h for how it works, wake_protocol.h for how its waiters
// are woken. Units go to whoever takes first: a process that comes by may be faster than one that was woken.
//
// The callers of one process take turns, and wait in its line; a waiter that is woken tries again. To wait:
//
//     semaphore.begin_sleep();
//     for (;;) {
//       semaphore.announce_sleep();           // from now on, a unit that comes back rings this process
//       if (semaphore.try_acquire()) break;   // one that came back before that
//       ... stand in semaphore.line until woken, while the loop listens (LaneWatch) ...
//     }
//     semaphore.end_sleep();                  // also when giving up: what is left is for the next
class SharedSemaphore : public ListNode {
 public:
  // Stands for `slot`, which this process uses already (SharedArena::allocate, join); ends that when destroyed.
  SharedSemaphore(std::shared_ptr<SharedArena> arena, SharedArena::Place place) noexcept;
  ~SharedSemaphore();

  // Takes one unit now, or returns false. No system call, any process, any thread.
  [[nodiscard]] bool try_acquire() noexcept {
    World world{*this};
    return wake::take(world);
  }

  // Gives one unit back, or returns false if there are `maximum` already. A system call only where somebody sleeps.
  [[nodiscard]] bool release(std::uint32_t maximum) noexcept {
    World world{*this};
    return wake::give(world, maximum);
  }

  [[nodiscard]] std::uint32_t value() const noexcept { return slot_.value.load(); }

  // Those of this process who wait, between begin_sleep() and end_sleep().
  WaitQueue line;
  // announce_sleep() is false where the arena is out of lanes or numbers: nobody rings, so look again and again.
  void begin_sleep() noexcept { ++sleeping_; }
  bool announce_sleep() noexcept;
  void end_sleep() noexcept;
  // The lane rang: wakes as many as there are units.
  void look_again() noexcept;

  // A thread that sleeps without a line or a lane: announces itself, and sleeps as long as there is no unit, at most
  // `longest`, or until a signal comes. Other threads may use this semaphore meanwhile.
  void begin_thread_sleep() noexcept;
  void thread_sleep(std::chrono::nanoseconds longest) noexcept;
  void end_thread_sleep() noexcept;

  // In a forked child whose parent's greenlets are gone: nobody is in line any more.
  void forget_line() noexcept;
  // In a forked child whose parent's greenlets go on: this process's mark too.
  void mark_again() noexcept;
  // Nobody of this process sleeps here any more, whoever is in line.
  void stop_sleeping() noexcept;

  [[nodiscard]] SharedArena& arena() const noexcept { return *arena_; }
  [[nodiscard]] const std::shared_ptr<SharedArena>& shared_arena() const noexcept { return arena_; }
  [[nodiscard]] std::uint32_t slot() const noexcept { return member_.slot; }
  [[nodiscard]] std::uint32_t generation() const noexcept { return generation_; }

 private:
  // What the protocol runs on; tests have another.
  struct World {
    static constexpr std::size_t kWords = SharedArena::kWords;
    SharedSemaphore& self;

    [[nodiscard]] SharedArena::Slot& slot() const noexcept { return self.slot_; }
    [[nodiscard]] ProcessTable::Entry& process(std::uint32_t i) const noexcept { return self.arena_->processes()[i]; }
    template <typename T>
    [[gnu::always_inline]] static T load(wake::Step step, const std::atomic<T>& word) noexcept {
      return word.load(wake::kRules[step].order);
    }
    template <typename T>
    [[gnu::always_inline]] static void store(wake::Step step, std::atomic<T>& word, T value) noexcept {
      word.store(value, wake::kRules[step].order);
    }
    template <typename T>
    [[gnu::always_inline]] static bool compare_exchange(wake::Step step, std::atomic<T>& word, T& expected,
                                                        T desired) noexcept {
      // Not having exchanged, one looks, in the order of looking.
      return word.compare_exchange_weak(expected, desired, wake::kRules[step].order, wake::kRules[wake::kLook].order);
    }
    template <typename T>
    static T fetch_add(wake::Step step, std::atomic<T>& word, T value) noexcept {
      return word.fetch_add(value, wake::kRules[step].order);
    }
    template <typename T>
    static T fetch_or(wake::Step step, std::atomic<T>& word, T value) noexcept {
      return word.fetch_or(value, wake::kRules[step].order);
    }
    template <typename T>
    static T fetch_and(wake::Step step, std::atomic<T>& word, T value) noexcept {
      return word.fetch_and(value, wake::kRules[step].order);
    }
    [[nodiscard]] std::uint32_t first(const wake::Marks<kWords>& marks, std::uint32_t threads,
                                      std::uint32_t turn) const noexcept;
    void ring(std::uint32_t process) const noexcept;
    [[nodiscard]] bool gone(std::uint32_t process) const noexcept { return self.arena_->processes().gone(process); }
    [[nodiscard]] bool wake_thread() const noexcept;
  };

  std::shared_ptr<SharedArena> arena_;
  SharedArena::Member member_;
  SharedArena::Slot& slot_;
  std::uint32_t generation_;
  std::uint32_t sleeping_ = 0;
};

}  // namespace gevent
