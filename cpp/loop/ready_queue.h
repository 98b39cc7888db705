// What a loop will run next, in order: callbacks, greenlets to start, greenlets to resume.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace gevent {

// One thing to run. `run` tells the kinds apart: whoever pops an entry may compare it with a
// function it knows and act directly (see python/wait/parking.h, which switches from greenlet to
// greenlet without passing through the hub).
struct ReadyEntry {
  using Run = void (*)(void* target, void* argument) noexcept;
  Run run = nullptr;  // nullptr: cancelled
  void* target = nullptr;
  void* argument = nullptr;
};

// A ring that grows. Positions are counted from the beginning of time, so that an entry can be
// cancelled by its position although the ring has moved or grown since.
//
// Not locked: every caller holds the same lock (in the bindings, the GIL).
class ReadyQueue {
 public:
  using Position = std::uint64_t;

  ReadyQueue();

  [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(tail_ - head_); }
  [[nodiscard]] Position head() const noexcept { return head_; }
  [[nodiscard]] Position tail() const noexcept { return tail_; }

  // Appends and returns where, for cancel(). Stops the process when memory runs out.
  Position push(ReadyEntry entry) noexcept {
    if (tail_ - head_ == mask_ + 1) grow();
    entries_[tail_ & mask_] = entry;
    return tail_++;
  }

  // The first entry; cancelled ones are dropped on the way. nullptr when there is none.
  [[nodiscard]] const ReadyEntry* peek() noexcept {
    while (head_ != tail_) {
      const ReadyEntry& entry = entries_[head_ & mask_];
      if (entry.run != nullptr) return &entry;
      ++head_;
    }
    return nullptr;
  }

  // Takes the first entry. Requires: peek() returned one.
  ReadyEntry pop() noexcept { return entries_[head_++ & mask_]; }

  // Forgets the entry at `position`, if it has not been taken yet.
  void cancel(Position position) noexcept {
    if (position - head_ < tail_ - head_) entries_[position & mask_] = ReadyEntry{};
  }

 private:
  void grow() noexcept;

  std::unique_ptr<ReadyEntry[]> entries_;
  std::uint64_t mask_;
  Position head_ = 0;
  Position tail_ = 0;
};

}  // namespace gevent
