// In which order those who sleep at a slot have come, processes and threads: a few of them, in one word of shared
// memory.
//
// A hint, as whoever is woken tries again: it makes waking as fair as a futex is, which programs rely on without
// knowing. multiprocessing's Pool does: at its end each worker must get the lock of its queue before the parent does,
// who came last. Everything here is one relaxed operation or a loop of exchanges; a process that dies in between leaves
// a place taken, which is free again once those before it have been woken.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "ipc/wake_protocol.h"

namespace gevent {

class ArrivalOrder {
 public:
  static constexpr std::uint32_t kPlaces = 7;
  static constexpr std::uint32_t kProcesses = 510;  // how many can be told apart

  // `process` comes last, unless it has a place already, or all places are taken.
  void add(std::uint32_t process) noexcept { add_entry(process + 1); }
  // The same for a thread that sleeps at the slot itself; of those, each has a place.
  void add_thread() noexcept { add_entry(kThread); }
  void clear() noexcept { entries_.store(0, std::memory_order_relaxed); }

  // Whom of `marks` and of so many `threads` to begin with: who came first, who then loses its place, as those do that
  // sleep no more. Where some have no place, it is one of them, in turn, for they may have come when all places were
  // taken; and where there are more sleepers than places, all take turns. A thread is kThreadFirst.
  template <std::size_t kWords>
  std::uint32_t first(const wake::Marks<kWords>& marks, std::uint32_t threads, std::uint32_t turn) noexcept {
    const Sleepers<kWords> all{marks, threads};
    std::uint64_t seen = entries_.load(std::memory_order_relaxed);
    for (;;) {
      Sleepers<kWords> others = all;
      std::uint64_t left = others.without_those_in(seen);
      std::uint32_t chosen = turn;
      if (others.any()) {
        if (all.count() > kPlaces) {
          others = all;
          left = 0;
        }
        chosen = others.in(turn);
      } else if (left != 0) {
        chosen = at(left, 0) == kThread ? wake::kThreadFirst : at(left, 0) - 1;
        left >>= kBits;
      }
      if (left == seen || entries_.compare_exchange_weak(seen, left, std::memory_order_relaxed)) return chosen;
    }
  }

 private:
  static constexpr std::uint32_t kBits = 9;
  static constexpr std::uint32_t kThread = 511;

  template <std::size_t kWords>
  struct Sleepers {
    wake::Marks<kWords> marks;
    std::uint32_t threads;

    // Strikes out those who have a place in `entries`, and returns `entries` without those who sleep no more.
    std::uint64_t without_those_in(std::uint64_t entries) noexcept {
      std::uint64_t left = 0;
      for (std::uint32_t place = 0, kept = 0; place < kPlaces && at(entries, place) != 0; ++place) {
        const std::uint32_t entry = at(entries, place);
        if (strike_out(entry)) left |= std::uint64_t{entry} << kept++ * kBits;
      }
      return left;
    }
    bool strike_out(std::uint32_t entry) noexcept {
      if (entry == kThread) return threads != 0 && threads-- != 0;
      std::uint64_t& word = marks[(entry - 1) / 64 % kWords];
      const std::uint64_t bit = std::uint64_t{1} << (entry - 1) % 64;
      const bool was_there = (word & bit) != 0;
      word &= ~bit;
      return was_there;
    }
    [[nodiscard]] bool any_process() const noexcept { return wake::next_mark(marks, 0) != kWords * 64; }
    [[nodiscard]] bool any() const noexcept { return threads != 0 || any_process(); }
    [[nodiscard]] std::uint32_t count() const noexcept {
      std::uint32_t sum = threads;
      for (const std::uint64_t word : marks) sum += static_cast<std::uint32_t>(std::popcount(word));
      return sum;
    }
    [[nodiscard]] std::uint32_t in(std::uint32_t turn) const noexcept {
      if (threads != 0 && ((turn & wake::kThreadFirst) != 0 || !any_process())) return wake::kThreadFirst;
      return wake::next_mark(marks, turn & ~wake::kThreadFirst);
    }
  };

  static constexpr std::uint32_t at(std::uint64_t entries, std::uint32_t place) noexcept {
    return static_cast<std::uint32_t>(entries >> place * kBits) & kThread;
  }

  void add_entry(std::uint32_t entry) noexcept {
    std::uint64_t seen = entries_.load(std::memory_order_relaxed);
    std::uint32_t place = 0;
    do {
      for (place = 0; place < kPlaces && at(seen, place) != 0; ++place) {
        if (at(seen, place) == entry && entry != kThread) return;
      }
      if (place == kPlaces) return;
    } while (
        !entries_.compare_exchange_weak(seen, seen | std::uint64_t{entry} << place * kBits, std::memory_order_relaxed));
  }

  // The first one lowest, kBits each: the number of a process and one, or kThread.
  std::atomic<std::uint64_t> entries_;
};

}  // namespace gevent
