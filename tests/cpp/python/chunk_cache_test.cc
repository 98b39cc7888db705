#include "python/object/chunk_cache.h"

#include <Python.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

constexpr std::size_t kChunk = 16 * 1024;

struct Arenas {
  Arenas() { PyObject_GetArenaAllocator(&allocator); }
  void* get(std::size_t size) const { return allocator.alloc(allocator.ctx, size); }
  void give(void* memory, std::size_t size) const { allocator.free(allocator.ctx, memory, size); }
  PyObjectArenaAllocator allocator;
};

// It is there as soon as there is a hub, unless this Python has no such chunks or an allocator of its own.
bool there_is_none() { return !install_chunk_cache(1); }

}  // namespace

TEST_CASE("chunk cache: a chunk that is given back is what the next one gets") {
  if (there_is_none()) return;
  const Arenas arenas;
  void* const chunk = arenas.get(kChunk);
  REQUIRE(chunk != nullptr);
  std::memset(chunk, 1, kChunk);
  const unsigned idle = chunk_cache_idle();
  arenas.give(chunk, kChunk);
  CHECK(chunk_cache_idle() == idle + 1);
  CHECK(arenas.get(kChunk) == chunk);
  CHECK(chunk_cache_idle() == idle);
  arenas.give(chunk, kChunk);
}

TEST_CASE("chunk cache: other sizes are none of its business") {
  if (there_is_none()) return;
  const Arenas arenas;
  const unsigned idle = chunk_cache_idle();
  void* const large = arenas.get(16 * kChunk);
  REQUIRE(large != nullptr);
  arenas.give(large, 16 * kChunk);
  CHECK(chunk_cache_idle() == idle);
}

TEST_CASE("chunk cache: it keeps no more than it was told when it was installed") {
  if (there_is_none()) return;
  constexpr std::size_t kMany = 4096 + 100;  // gevent's limit, and more
  const Arenas arenas;
  std::vector<void*> chunks;
  for (std::size_t i = 0; i < kMany; ++i) chunks.push_back(arenas.get(kChunk));
  CHECK(std::set<void*>(chunks.begin(), chunks.end()).size() == kMany);
  for (void* each : chunks) arenas.give(each, kChunk);
  CHECK(chunk_cache_idle() == 4096);
}

TEST_CASE("chunk cache: threads without the GIL never get the same chunk twice") {
  if (there_is_none()) return;
  const Arenas arenas;
  bool torn = false;
  const auto work = [&](unsigned char mine, bool* damaged) {
    for (int rounds = 0; rounds < 20000; ++rounds) {
      auto* const chunk = static_cast<unsigned char*>(arenas.get(kChunk));
      chunk[64] = mine;
      *damaged |= chunk[64] != mine;
      arenas.give(chunk, kChunk);
    }
  };
  bool other_torn = false;
  std::thread other(work, 2, &other_torn);
  work(1, &torn);
  other.join();
  CHECK_FALSE((torn || other_torn));
}

TEST_CASE("chunk cache: greenlets that start and end leave as many chunks as there were") {
  if (there_is_none()) return;
  run("import gevent\ngevent.joinall([gevent.spawn(int) for _ in range(10)])");
  const unsigned idle = chunk_cache_idle();
  run("gevent.joinall([gevent.spawn(int) for _ in range(10)])");
  CHECK(chunk_cache_idle() == idle);
}
