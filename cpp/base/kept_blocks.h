// Freed blocks of memory, one of each size, for who asks for that size next.
#pragma once
#include <array>
#include <cstddef>

namespace gevent {

// Sizes are taken in steps: a block serves for all sizes of its step. Of one thread, and not guarded.
class KeptBlocks {
 public:
  // The smallest size that is kept is one more than what glibc keeps for each thread by itself.
  static constexpr std::size_t kBeforeFirst = 1032;
  static constexpr std::size_t kStep = 32;
  static constexpr std::size_t kSteps = 128;
  static constexpr std::size_t kLargest = kBeforeFirst + kSteps * kStep;

  static constexpr bool keeps(std::size_t size) noexcept { return size - kBeforeFirst - 1 < kLargest - kBeforeFirst; }

  // The largest size of the step that `size` is in: what must be asked for, for the block to be kept for it later.
  // `size` is one that is kept.
  static constexpr std::size_t rounded_up(std::size_t size) noexcept {
    return kBeforeFirst + (step_of(size) + 1) * kStep;
  }

  // A block of at least `size` bytes, which belongs to the caller then; nullptr if there is none. `size` is one that is
  // kept.
  [[nodiscard]] void* take(std::size_t size) noexcept {
    void*& place = blocks_[step_of(size)];
    void* const block = place;
    place = nullptr;
    return block;
  }

  // False: the block, of `size` bytes, remains the caller's; there is one of that size, or none is kept.
  [[nodiscard]] bool keep(void* block, std::size_t size) noexcept {
    const std::size_t above = size - kBeforeFirst - kStep;  // a block that is larger than asked for is in a step below
    if (above >= kSteps * kStep) return false;
    void*& place = blocks_[above / kStep];
    if (place != nullptr) return false;
    place = block;
    return true;
  }

  template <typename Free>
  void release_all(Free free) noexcept {
    for (void*& place : blocks_) {
      if (place != nullptr) free(place);
      place = nullptr;
    }
  }

  [[nodiscard]] unsigned count() const noexcept {
    unsigned found = 0;
    for (const void* each : blocks_) found += each != nullptr ? 1 : 0;
    return found;
  }

 private:
  static constexpr std::size_t step_of(std::size_t size) noexcept { return (size - kBeforeFirst - 1) / kStep; }

  std::array<void*, kSteps> blocks_{};
};

}  // namespace gevent
