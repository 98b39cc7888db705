#include "base/kept_blocks.h"

#include <cstdlib>

#include "doctest/doctest.h"

using namespace gevent;

namespace {

// Blocks from the system that are freed when a test ends, whatever KeptBlocks did with them.
struct Memory {
  KeptBlocks kept;
  void* get(std::size_t size) {
    if (KeptBlocks::keeps(size)) {
      if (void* const block = kept.take(size); block != nullptr) return block;
    }
    return std::malloc(size);
  }
  bool give(void* block, std::size_t size) {
    if (kept.keep(block, size)) return true;
    std::free(block);
    return false;
  }
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    kept.release_all([](void* block) { std::free(block); });
  }
};

constexpr std::size_t kSmallest = KeptBlocks::kBeforeFirst + 1;

}  // namespace

TEST_CASE("kept blocks: a block that was freed is what the next of its size gets, once") {
  Memory memory;
  const std::size_t size = KeptBlocks::rounded_up(2000);
  void* const block = memory.get(size);
  REQUIRE(memory.give(block, size));
  CHECK(memory.kept.count() == 1);
  CHECK(memory.get(2000) == block);
  CHECK(memory.kept.count() == 0);
  CHECK(memory.kept.take(2000) == nullptr);
  memory.give(block, size);
}

TEST_CASE("kept blocks: one of each size, the second remains its owner's") {
  Memory memory;
  const std::size_t size = KeptBlocks::rounded_up(2000);
  void* const first = memory.get(size);
  void* const second = memory.get(size);
  CHECK(memory.give(first, size));
  CHECK_FALSE(memory.give(second, size));
  CHECK(memory.kept.count() == 1);
}

TEST_CASE("kept blocks: whatever is asked for, what is got is not smaller") {
  for (std::size_t had = kSmallest; had <= KeptBlocks::kLargest + 100; ++had) {
    Memory memory;
    void* const block = memory.get(had);
    if (!memory.give(block, had)) continue;
    for (std::size_t asked = kSmallest; asked <= KeptBlocks::kLargest; ++asked) {
      void* const got = memory.kept.take(asked);
      if (got == nullptr) continue;
      REQUIRE(had >= asked);
      REQUIRE(memory.kept.keep(got, had));
    }
  }
}

TEST_CASE("kept blocks: a size that is asked for rounded up is kept for all of its step") {
  for (std::size_t asked = kSmallest; asked <= KeptBlocks::kLargest; ++asked) {
    Memory memory;
    const std::size_t rounded = KeptBlocks::rounded_up(asked);
    REQUIRE(rounded >= asked);
    REQUIRE(rounded - asked < KeptBlocks::kStep);
    void* const block = memory.get(rounded);
    REQUIRE(memory.give(block, rounded));
    REQUIRE(memory.get(asked) == block);
    memory.give(block, rounded);
  }
}

TEST_CASE("kept blocks: what is smaller or larger is none of its business") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, KeptBlocks::kBeforeFirst}) {
    CHECK_FALSE(KeptBlocks::keeps(size));
    Memory memory;
    CHECK_FALSE(memory.give(memory.get(size), size));
  }
  CHECK(KeptBlocks::keeps(kSmallest));
  CHECK(KeptBlocks::keeps(KeptBlocks::kLargest));
  CHECK_FALSE(KeptBlocks::keeps(KeptBlocks::kLargest + 1));
  Memory memory;
  const std::size_t large = KeptBlocks::kLargest + KeptBlocks::kStep;
  CHECK_FALSE(memory.give(memory.get(large), large));
}
