// An exhaustive search over what processes can do to each other, step by step.
//
// Each process is a function that runs the protocol's own code (cpp/ipc/wake_protocol.h) on a World whose every
// operation is a step. The search takes a step of any process, in every order, and lets a process die before any step.
// A process is run again from its beginning with the answers it got so far, up to the first one it has not got.
//
// The memory keeps every value that a word ever had. A load may answer with any of them that is not older than what the
// process has seen of that word; one in seq_cst order, with none older than the last that anybody has seen or written
// in that order. Released values bring along what their writer had seen. So a store that waits in a buffer and a load
// that is done too early, as ARM64 does, are steps like any other; what it leaves out is a store that others see before
// an earlier load of the same process was done. The system calls (ring, hear, sleep, wake) order no memory here.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ipc/wake_protocol.h"

namespace gevent::search {

inline constexpr std::size_t kProcesses = 4;
inline constexpr std::size_t kWrites = 14;
inline constexpr std::size_t kAnswers = 90;

// The words of memory.
enum : std::uint8_t {
  kValue,
  kThreads,
  kTurnWord,
  kSleepers,
  kHeard,
  kRung = kHeard + kProcesses,
  kWordCount = kRung + kProcesses
};
using View = std::array<std::uint8_t, kWordCount>;

struct Word {
  std::uint8_t number;
};

// What the search does otherwise than the protocol.
struct Breakage {
  enum How { kNothing, kRelaxed, kLeftOut };
  std::optional<wake::Step> step;
  How how = kNothing;
  bool no_rings = false;
  bool death_unseen = false;  // gone() does not know
};

struct Operation {
  enum Kind : std::uint8_t {
    kLoad,
    kStore,
    kAdd,
    kOr,
    kAnd,
    kExchange,
    kRing,
    kHearOrGiveUp,
    kHearOnly,
    kGone,
    kWakeThread,
    kThreadSleep
  };
  Kind kind;
  wake::Step step;
  std::uint8_t target;  // a word, or a process
  std::uint64_t value = 0, expected = 0;
};

class Unanswered {};

// What the protocol runs on; see wake_protocol.h.
class World {
 public:
  static constexpr std::size_t kWords = 1;
  struct Slot {
    Word value{kValue}, threads{kThreads}, turn{kTurnWord};
    std::array<Word, 1> sleepers{Word{kSleepers}};
  };
  struct Process {
    Word heard, rung;
  };

  World(const Breakage& breakage, const std::uint32_t* answers, std::size_t count)
      : breakage_(breakage), answers_(answers), count_(count) {
    for (std::uint8_t i = 0; i < kProcesses; ++i) {
      processes_[i] = {Word{static_cast<std::uint8_t>(kHeard + i)}, Word{static_cast<std::uint8_t>(kRung + i)}};
    }
  }

  Slot& slot() { return slot_; }
  Process& process(std::uint32_t i) { return processes_[i]; }

  // Integers of any width, as the code asks for them; the answers here are small.
  struct Number {
    std::uint32_t value;
    operator std::uint32_t() const { return value; }  // NOLINT: as what std::atomic gives
  };
  Number load(wake::Step step, Word word) {
    return left_out(step) ? Number{0} : ask({Operation::kLoad, step, word.number});
  }
  void store(wake::Step step, Word word, std::uint64_t value) {
    if (!left_out(step)) ask({Operation::kStore, step, word.number, value});
  }
  bool compare_exchange(wake::Step step, Word word, std::uint32_t& expected, std::uint32_t desired) {
    const std::uint32_t seen = ask({Operation::kExchange, step, word.number, desired, expected});
    if (seen == expected) return true;
    expected = seen;
    return false;
  }
  void fetch_add(wake::Step step, Word word, std::uint64_t value) { change(Operation::kAdd, step, word, value); }
  void fetch_or(wake::Step step, Word word, std::uint64_t value) { change(Operation::kOr, step, word, value); }
  void fetch_and(wake::Step step, Word word, std::uint64_t value) { change(Operation::kAnd, step, word, value); }
  void ring(std::uint32_t process) {
    if (!breakage_.no_rings) ask({Operation::kRing, {}, static_cast<std::uint8_t>(process)});
  }
  template <typename Marks>
  std::uint32_t first(const Marks& /*marks*/, std::uint32_t threads, std::uint32_t turn) {
    return threads != 0 && (turn & wake::kThreadFirst) != 0 ? wake::kThreadFirst : turn;
  }
  bool gone(std::uint32_t process) { return ask({Operation::kGone, {}, static_cast<std::uint8_t>(process)}) != 0; }
  bool wake_thread() { return ask({Operation::kWakeThread, {}, 0}) != 0; }

  // Sleeps until its bell has rung; false: gave up instead.
  bool hears(bool may_give_up) {
    return ask({may_give_up ? Operation::kHearOrGiveUp : Operation::kHearOnly, {}, 0}) != 0;
  }
  void thread_sleep() { ask({Operation::kThreadSleep, {}, 0}); }

  [[nodiscard]] const Operation& asked() const { return asked_; }

 private:
  [[nodiscard]] bool left_out(wake::Step step) const {
    return breakage_.how == Breakage::kLeftOut && breakage_.step == step;
  }
  void change(Operation::Kind kind, wake::Step step, Word word, std::uint64_t value) {
    if (!left_out(step)) ask({kind, step, word.number, value});
  }
  Number ask(Operation operation) {
    if (next_ < count_) return Number{answers_[next_++]};
    asked_ = operation;
    throw Unanswered();
  }

  const Breakage& breakage_;
  const std::uint32_t* answers_;
  std::size_t count_;
  std::size_t next_ = 0;
  Operation asked_{};
  Slot slot_;
  std::array<Process, kProcesses> processes_;
};

// What a process does; `number` is its own.
using Program = std::function<void(World&, std::uint32_t number)>;

struct Scenario {
  std::vector<Program> programs;
  std::uint32_t units = 0;
  int deaths = 0;
  // The last program begins when no other process can take a step.
  bool last_comes_later = false;
};

struct Found {
  std::size_t states = 0;
  std::size_t ends = 0;
  std::size_t lost = 0;  // ends in which a unit is free and somebody sleeps
  std::size_t left = 0;  // such states that were left to the last program, which comes later
};

class Search {
 public:
  Search(const Scenario& scenario, const Breakage& breakage) : scenario_(scenario), breakage_(breakage) {}

  Found run(bool stop_at_first = false) {
    stop_at_first_ = stop_at_first;
    State first{};
    for (Memory& word : first.memory) word.writes[word.count++] = {};
    first.memory[kValue].writes[0].value = scenario_.units;
    for (std::size_t i = 0; i < kProcesses; ++i) first.memory[kHeard + i].writes[0].value = 1;
    for (std::uint32_t i = 0; i < scenario_.programs.size(); ++i) proceed(first, i);
    first.deaths_left = scenario_.deaths;
    std::vector<State> open{first};
    while (!open.empty() && !(stop_at_first_ && found_.lost > 0)) {
      const State state = open.back();
      open.pop_back();
      if (!seen_.insert(key_of(state)).second) continue;
      ++found_.states;
      visit(state, open);
    }
    return found_;
  }

 private:
  struct Write {
    std::uint32_t value;
    View view;
  };
  struct Memory {
    std::array<Write, kWrites> writes;
    std::uint8_t count;
  };
  struct Process {
    enum Condition : std::uint8_t { kRuns, kSleepsInThread, kDone, kDead };
    Condition condition;
    bool rung;
    std::uint8_t count;
    View view;
    std::array<std::uint32_t, kAnswers> answers;
    Operation next;
  };
  struct State {
    std::array<Memory, kWordCount> memory;
    View in_order;  // the last of each word that was seen or written in seq_cst order
    std::array<Process, kProcesses> processes;
    int deaths_left;
  };
  struct Key {
    std::uint64_t first, second;
    bool operator==(const Key& other) const { return first == other.first && second == other.second; }
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.first; }
  };

  static Key key_of(const State& state) {
    Key key{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f};
    const auto add = [&](std::uint64_t value) {
      key.first = (key.first ^ value) * 0x100000001b3;
      key.first ^= key.first >> 29;
      key.second = (key.second + value) * 0xff51afd7ed558ccd;
      key.second ^= key.second >> 33;
    };
    // What nobody can read any more makes no difference, nor does what is known only to who has ended.
    View oldest;
    for (std::size_t word = 0; word < oldest.size(); ++word) {
      oldest[word] = static_cast<std::uint8_t>(state.memory[word].count - 1);
      for (const Process& process : state.processes) {
        if (process.condition < Process::kDone) oldest[word] = std::min(oldest[word], process.view[word]);
      }
    }
    const auto add_view = [&](const View& view) {
      std::uint64_t packed = 0;
      for (std::size_t i = 0; i < view.size(); ++i) {
        packed = packed << 5 | static_cast<std::uint64_t>(view[i] > oldest[i] ? view[i] - oldest[i] : 0);
        if (i == 5 || i + 1 == view.size()) add(std::exchange(packed, 0));
      }
    };
    for (std::size_t word = 0; word < oldest.size(); ++word) {
      const Memory& memory = state.memory[word];
      add(memory.count - oldest[word]);
      for (std::size_t i = oldest[word]; i < memory.count; ++i) {
        add(memory.writes[i].value);
        add_view(memory.writes[i].view);
      }
    }
    add_view(state.in_order);
    for (const Process& process : state.processes) {
      add((std::uint64_t{process.condition} << 8) | process.rung);
      if (process.condition >= Process::kDone) continue;
      add(process.count);
      add_view(process.view);
      for (std::size_t i = 0; i < process.count; ++i) add(process.answers[i]);
    }
    add(static_cast<std::uint64_t>(state.deaths_left));
    return key;
  }

  // Runs a process to its next operation.
  void proceed(State& state, std::uint32_t number) {
    Process& process = state.processes[number];
    World world(breakage_, process.answers.data(), process.count);
    process.condition = Process::kRuns;
    try {
      scenario_.programs[number](world, number);
      process.condition = Process::kDone;
    } catch (const Unanswered&) {
      process.next = world.asked();
    }
  }

  static void no_effect(State&) {}
  template <typename Effect = void (*)(State&)>
  void answer(const State& before, std::uint32_t number, std::uint64_t value, std::vector<State>& open,
              Effect effect = &no_effect) {
    open.push_back(before);
    State& after = open.back();
    Process& process = after.processes[number];
    GEVENT_CHECK(process.count < kAnswers);
    process.answers[process.count++] = static_cast<std::uint32_t>(value);
    effect(after);
    proceed(after, number);
  }

  void visit(const State& state, std::vector<State>& open) {
    const std::size_t before = open.size();
    const auto count = static_cast<std::uint32_t>(scenario_.programs.size());
    const std::uint32_t at_once = count - (scenario_.last_comes_later ? 1 : 0);
    for (std::uint32_t i = 0; i < at_once; ++i) step(state, i, open);
    bool moved = open.size() > before;
    if (!moved && at_once < count) {
      if (state.processes[count - 1].count == 0 && is_lost(state, at_once)) ++found_.left;
      step(state, count - 1, open);
      moved = open.size() > before;
    }
    if (!moved) {
      ++found_.ends;
      if (is_lost(state, count)) ++found_.lost;
    }
    if (state.deaths_left == 0) return;
    for (std::uint32_t i = 0; i < at_once; ++i) {
      if (state.processes[i].condition > Process::kSleepsInThread) continue;
      open.push_back(state);
      open.back().processes[i].condition = Process::kDead;
      --open.back().deaths_left;
    }
  }

  // Nobody can take a step: is a unit free, and does one of the first `count` sleep?
  static bool is_lost(const State& state, std::uint32_t count) {
    const Memory& value = state.memory[kValue];
    return value.writes[value.count - 1u].value > 0 &&
           std::any_of(state.processes.begin(), state.processes.begin() + count, [](const Process& each) {
             return each.condition == Process::kSleepsInThread || each.condition == Process::kRuns;
           });
  }

  [[nodiscard]] std::memory_order order_of(wake::Step step) const {
    if (breakage_.how == Breakage::kRelaxed && breakage_.step == step) return std::memory_order_relaxed;
    return wake::kRules[step].order;
  }

  static void join(View& view, const View& other) {
    for (std::size_t i = 0; i < view.size(); ++i) view[i] = std::max(view[i], other[i]);
  }

  void read(State& state, std::uint32_t number, std::uint8_t word, std::size_t index, std::memory_order order) const {
    Process& process = state.processes[number];
    process.view[word] = std::max(process.view[word], static_cast<std::uint8_t>(index));
    if (order == std::memory_order_acquire || order == std::memory_order_seq_cst)
      join(process.view, state.memory[word].writes[index].view);
    if (order == std::memory_order_seq_cst)
      state.in_order[word] = std::max(state.in_order[word], static_cast<std::uint8_t>(index));
  }

  // `of`: what a read-modify-write goes on from keeps what it released.
  void write(State& state, std::uint32_t number, std::uint8_t word, std::uint64_t value, std::memory_order order,
             const View* of) const {
    Process& process = state.processes[number];
    Memory& memory = state.memory[word];
    GEVENT_CHECK(memory.count < kWrites);
    Write& made = memory.writes[memory.count];
    made.value = static_cast<std::uint32_t>(value);
    made.view = of != nullptr ? *of : View{};
    process.view[word] = memory.count++;
    if (order == std::memory_order_release || order == std::memory_order_seq_cst) join(made.view, process.view);
    if (order == std::memory_order_seq_cst) state.in_order[word] = process.view[word];
  }

  void step(const State& state, std::uint32_t number, std::vector<State>& open) {
    const Process& process = state.processes[number];
    if (process.condition != Process::kRuns) return;
    const Operation& next = process.next;
    const std::uint8_t word = next.target;
    const std::memory_order order = order_of(next.step);
    switch (next.kind) {
      case Operation::kLoad: {
        const Memory& memory = state.memory[word];
        std::size_t oldest = process.view[word];
        if (order == std::memory_order_seq_cst) oldest = std::max<std::size_t>(oldest, state.in_order[word]);
        if (word == kTurnWord) oldest = memory.count - 1u;  // an old one is only unfair
        for (std::size_t i = oldest; i < memory.count; ++i) {
          answer(state, number, memory.writes[i].value, open,
                 [&](State& after) { read(after, number, word, i, order); });
        }
        break;
      }
      case Operation::kStore:
        answer(state, number, 0, open, [&](State& after) { write(after, number, word, next.value, order, nullptr); });
        break;
      case Operation::kAdd:
      case Operation::kOr:
      case Operation::kAnd:
      case Operation::kExchange:
        change(state, number, open);
        break;
      case Operation::kRing:
        answer(state, number, 0, open, [&](State& after) { after.processes[next.target].rung = true; });
        break;
      case Operation::kHearOrGiveUp:
        answer(state, number, 0, open);
        [[fallthrough]];
      case Operation::kHearOnly:
        if (process.rung) answer(state, number, 1, open, [&](State& after) { after.processes[number].rung = false; });
        break;
      case Operation::kGone: {
        const bool gone = state.processes[next.target].condition == Process::kDead && !breakage_.death_unseen;
        answer(state, number, gone ? 1 : 0, open);
        break;
      }
      case Operation::kThreadSleep: {
        const Memory& value = state.memory[kValue];
        // The kernel looks once more, at the last value, before it stops the thread.
        if (value.writes[value.count - 1].value != 0) {
          answer(state, number, 0, open);
        } else {
          open.push_back(state);
          open.back().processes[number].condition = Process::kSleepsInThread;
        }
        break;
      }
      case Operation::kWakeThread:
        wake_thread(state, number, open);
        break;
    }
  }

  void change(const State& state, std::uint32_t number, std::vector<State>& open) {
    const Operation& next = state.processes[number].next;
    const std::uint8_t word = next.target;
    const Memory& memory = state.memory[word];
    const std::size_t last = memory.count - 1u;
    const std::uint32_t old = memory.writes[last].value;
    const bool fails = next.kind == Operation::kExchange && old != static_cast<std::uint32_t>(next.expected);
    std::uint64_t value = next.value;
    if (next.kind == Operation::kAdd) value = old + next.value;
    if (next.kind == Operation::kOr) value = old | next.value;
    if (next.kind == Operation::kAnd) value = old & next.value;
    const std::memory_order order = order_of(fails ? wake::kLook : next.step);
    answer(state, number, old, open, [&](State& after) {
      read(after, number, word, last, order);
      if (fails) return;
      const View of = after.memory[word].writes[last].view;
      write(after, number, word, value, order, &of);
    });
  }

  void wake_thread(const State& state, std::uint32_t number, std::vector<State>& open) {
    bool any = false;
    for (std::uint32_t i = 0; i < scenario_.programs.size(); ++i) {
      if (state.processes[i].condition != Process::kSleepsInThread) continue;
      any = true;
      answer(state, number, 1, open, [&](State& after) {
        Process& woken = after.processes[i];
        woken.answers[woken.count++] = 0;
        proceed(after, i);
      });
    }
    if (!any) answer(state, number, 0, open);
  }

  const Scenario& scenario_;
  const Breakage& breakage_;
  bool stop_at_first_ = false;
  Found found_;
  std::unordered_set<Key, KeyHash> seen_;
};

inline Found search(const Scenario& scenario, const Breakage& breakage = {}) {
  return Search(scenario, breakage).run();
}
// Whether there is a state in which a unit is free, somebody sleeps and nobody is going to look.
inline bool finds_fault(const Scenario& scenario, const Breakage& breakage) {
  return Search(scenario, breakage).run(true).lost > 0;
}

}  // namespace gevent::search
