// How processes that share a counter wake each other: the protocol, step by step.
//
// Each step is one atomic operation of kRules, which has its order in memory and the reason for it. The functions below
// are templates of the world that they run in: SharedSemaphore runs them on std::atomic, and tests/cpp/ipc/ runs the
// same functions on a memory that remembers every value it ever had, in every interleaving, with a process dying before
// every step. What must hold:
//
// 1. The count is the truth. A unit is taken and given back by one operation; everything else is about who looks.
// 2. A process's mark is in a slot while somebody of it sleeps there. Only the process itself sets it and takes it away
//    (and who clears up after its death), so no death of another can take it.
// 3. A sleeper marks first and looks at the count then; who gives back raises the count first and looks for marks then.
//    Both are in the one order that all agree on, so the sleeper sees the unit or the other sees the mark.
// 4. A process whose `rung` equals its `heard` has been rung and has not heard: it is going to count up `heard`, and to
//    look at all its slots then. Nobody rings it again before. Since the bell is rung before `rung` is written, a death
//    between the two costs one needless ring; and an old `rung` equals no `heard` to come, which only grows.
// 5. Who stops sleeping takes the mark away first and looks then: a unit whose ring went to it, it passes on as if it
//    had given it back. So does who took one and sees more.
// 6. Each unit that comes back rings one process that has not been rung, and one more for each that it finds to be
//    dead. Which one is a matter of fairness alone: who came first (arrival_order.h), then whose turn it is.
//
// From these: as long as nobody dies, there is no state in which a unit is free, somebody sleeps, and nobody is going
// to look. Who dies between raising the count and ringing, or with a ring it has heard, leaves such a state, but all
// marks in their places: the next unit that comes back wakes the sleepers. If none does, kLookAgainMax is the bound:
// each loop and thread with sleepers looks again after that time, whatever it has heard.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gevent::wake {

// The longest that a unit stays free while somebody who is alive and whose loop turns sleeps for it.
inline constexpr std::chrono::milliseconds kLookAgainMax{1000};

enum Step : std::uint8_t {
  kLook,
  kTake,
  kBeforeRaising,
  kRaise,
  kFindSleepers,
  kFindThreads,
  kReadHeard,
  kReadRung,
  kMarkRung,
  kAnnounce,
  kRetire,
  kLookAfterwards,
  kHear,
  kAnnounceThread,
  kRetireThread,
  kTurn,
  kSteps
};

struct Rule {
  Step step;
  std::memory_order order;
  const char* why;
};

inline constexpr std::array<Rule, kSteps> kRules{{
    {kLook, std::memory_order_seq_cst,
     "after kAnnounce or kHear, never before (3, 4): ldar on ARM64, a plain mov on x86"},
    {kTake, std::memory_order_seq_cst, "what the last holder wrote is seen by the next"},
    {kBeforeRaising, std::memory_order_relaxed, "a guess, which kRaise corrects"},
    {kRaise, std::memory_order_seq_cst,
     "before kFindSleepers (3) and kReadHeard (4), and releases what the holder wrote"},
    {kFindSleepers, std::memory_order_seq_cst, "after kRaise (3)"},
    {kFindThreads, std::memory_order_seq_cst, "after kRaise (3)"},
    {kReadHeard, std::memory_order_seq_cst, "after kRaise: who has not counted this yet will see the unit (4)"},
    {kReadRung, std::memory_order_acquire, "the ring that it tells of is rung (4)"},
    {kMarkRung, std::memory_order_release, "only once the bell is rung (4)"},
    {kAnnounce, std::memory_order_seq_cst, "before kLook (3)"},
    {kRetire, std::memory_order_seq_cst, "before kLookAfterwards (5)"},
    {kLookAfterwards, std::memory_order_seq_cst, "after kRetire (5)"},
    {kHear, std::memory_order_seq_cst, "before kLook (4)"},
    {kAnnounceThread, std::memory_order_seq_cst, "before kLook (3)"},
    {kRetireThread, std::memory_order_seq_cst, "before kLookAfterwards (5)"},
    {kTurn, std::memory_order_relaxed, "whose turn it is only matters for fairness"},
}};

constexpr bool rules_are_in_order() noexcept {
  for (std::size_t i = 0; i < kSteps; ++i) {
    if (kRules[i].step != i) return false;
  }
  return true;
}
static_assert(rules_are_in_order());

// A World has
//   slot()           `value`, `threads`, `turn` (32 bits) and `sleepers`, an array of kWords words of 64 bits, a mark
//                    for each process
//   process(i)       `heard` and `rung` (64 bits)
//   load(step, word), store(step, word, value), fetch_add/_or/_and(step, word, value), and
//   compare_exchange(step, word, expected, desired): atomic operations in the order of kRules
//   first(marks, threads, turn)  whom of them to begin with, which only matters for fairness: a process (or where to
//                    begin to look for one), or kThreadFirst
//   ring(i)          rings the bell of a process
//   gone(i)          whether that process is known to be dead
//   wake_thread()    wakes one of the threads that sleep at the slot itself; false if there is none

// Takes a unit, or returns false.
template <typename World>
[[gnu::always_inline]] inline bool take(World& world) {
  std::uint32_t units = world.load(kLook, world.slot().value);
  while (units > 0) {
    if (world.compare_exchange(kTake, world.slot().value, units, units - 1)) return true;
  }
  return false;
}

template <std::size_t kWords>
using Marks = std::array<std::uint64_t, kWords>;

// The first of `marks` at or after `from`, beginning again at the end; as many as there are bits if there is none.
template <std::size_t kWords>
constexpr std::uint32_t next_mark(const Marks<kWords>& marks, std::uint32_t from) noexcept {
  constexpr std::uint32_t kBits = kWords * 64;
  if (from >= kBits) from = 0;
  std::uint64_t word = marks[from / 64] & (~std::uint64_t{0} << from % 64);
  for (std::size_t i = 0; i <= kWords; ++i) {
    const std::size_t at = (from / 64 + i) % kWords;
    if (i > 0) word = marks[at];
    if (word != 0) return static_cast<std::uint32_t>(at * 64) + static_cast<std::uint32_t>(std::countr_zero(word));
  }
  return kBits;
}

// In `turn`: whether a thread comes before the processes; below it, the process to begin with.
inline constexpr std::uint32_t kThreadFirst = 1u << 31;

template <typename World>
[[gnu::noinline]] void wake_one_of(World& world, Marks<World::kWords> marks, std::uint32_t threads) {
  const std::uint32_t turn = world.load(kTurn, world.slot().turn);
  const std::uint32_t first = world.first(marks, threads, turn);
  const bool thread_first = first == kThreadFirst;
  if (thread_first && world.wake_thread()) {
    world.store(kTurn, world.slot().turn, turn & ~kThreadFirst);
    return;
  }
  for (std::uint32_t from = (thread_first ? turn : first) & ~kThreadFirst;;) {
    const std::uint32_t process = next_mark(marks, from);
    if (process == World::kWords * 64) break;
    marks[process / 64] &= ~(std::uint64_t{1} << process % 64);
    from = process + 1;
    auto& bell = world.process(process);
    const std::uint64_t heard = world.load(kReadHeard, bell.heard);
    if (world.load(kReadRung, bell.rung) == heard) continue;
    world.ring(process);
    world.store(kMarkRung, bell.rung, heard);
    world.store(kTurn, world.slot().turn, from | kThreadFirst);
    const bool others = threads != 0 || next_mark(marks, from) != World::kWords * 64;
    // Who has heard it may have taken the unit and ended since.
    if (!others || world.load(kReadHeard, bell.heard) != heard || !world.gone(process)) return;
  }
  if (threads != 0 && !thread_first) static_cast<void>(world.wake_thread());
}

// Wakes one, if anybody sleeps.
template <typename World>
[[gnu::always_inline]] inline void wake_one(World& world) {
  Marks<World::kWords> marks;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < World::kWords; ++i) any |= marks[i] = world.load(kFindSleepers, world.slot().sleepers[i]);
  const std::uint32_t threads = world.load(kFindThreads, world.slot().threads);
  if (any != 0 || threads != 0) [[unlikely]]
    wake_one_of(world, marks, threads);
}

// Gives a unit back, or returns false if there are `maximum`.
template <typename World>
[[gnu::always_inline]] inline bool give(World& world, std::uint32_t maximum) {
  std::uint32_t units = world.load(kBeforeRaising, world.slot().value);
  do {
    if (units >= maximum) return false;
  } while (!world.compare_exchange(kRaise, world.slot().value, units, units + 1));
  wake_one(world);
  return true;
}

// From now on a unit that comes back rings `process`. Before looking.
template <typename World>
void announce(World& world, std::uint32_t process) {
  world.fetch_or(kAnnounce, world.slot().sleepers[process / 64], std::uint64_t{1} << process % 64);
}

// Passes on what is there, after having taken one or having given up.
template <typename World>
void pass_on(World& world) {
  if (world.load(kLookAfterwards, world.slot().value) > 0) wake_one(world);
}

// Nobody of `process` sleeps here any more. pass_on() must follow.
template <typename World>
void retire(World& world, std::uint32_t process) {
  world.fetch_and(kRetire, world.slot().sleepers[process / 64], ~(std::uint64_t{1} << process % 64));
}

// `process` has heard its bell: before it looks at any slot.
template <typename World>
void hear(World& world, std::uint32_t process) {
  world.fetch_add(kHear, world.process(process).heard, std::uint64_t{1});
}

// As announce() and retire(), for a thread that sleeps at the slot itself (a futex).
template <typename World>
void announce_thread(World& world) {
  world.fetch_add(kAnnounceThread, world.slot().threads, 1u);
}
template <typename World>
void retire_thread(World& world) {
  world.fetch_add(kRetireThread, world.slot().threads, ~0u);
}

}  // namespace gevent::wake
