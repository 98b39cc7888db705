#include "python/object/chunk_cache.h"

#include <Python.h>
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace gevent {
namespace {

constexpr std::size_t kChunkBytes = 16 * 1024;
constexpr std::size_t kChunksPerSlab = 64;

struct IdleChunk {
  IdleChunk* next;
};

struct Cache {
  std::atomic_flag taken = ATOMIC_FLAG_INIT;
  IdleChunk* idle = nullptr;
  std::atomic<unsigned> idle_count{0};
  unsigned chunks_max = 0;
  char* slab = nullptr;  // the rest of the last slab
  std::size_t slab_chunks_left = 0;
  PyObjectArenaAllocator original{};
};

Cache cache;

class TryLock {
 public:
  TryLock() noexcept : owned_(!cache.taken.test_and_set(std::memory_order_acquire)) {}
  ~TryLock() {
    if (owned_) cache.taken.clear(std::memory_order_release);
  }
  TryLock(const TryLock&) = delete;
  TryLock& operator=(const TryLock&) = delete;
  explicit operator bool() const noexcept { return owned_; }

 private:
  bool owned_;
};

// One mapping for many chunks: an mmap() costs as much as a spawn. Chunks of a slab go back to the system one by one,
// which munmap() allows. Under the lock.
void* carve() noexcept {
  if (cache.slab_chunks_left == 0) {
    void* slab =
        ::mmap(nullptr, kChunkBytes * kChunksPerSlab, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slab == MAP_FAILED) return nullptr;
    cache.slab = static_cast<char*>(slab);
    cache.slab_chunks_left = kChunksPerSlab;
  }
  void* chunk = cache.slab;
  cache.slab += kChunkBytes;
  --cache.slab_chunks_left;
  return chunk;
}

void* allocate(void* context, std::size_t size) {
  if (size == kChunkBytes) {
    if (TryLock lock; lock) {
      if (IdleChunk* chunk = cache.idle; chunk != nullptr) {
        cache.idle = chunk->next;
        cache.idle_count.fetch_sub(1, std::memory_order_relaxed);
        return chunk;
      }
      if (void* chunk = carve(); chunk != nullptr) return chunk;
    }
  }
  return cache.original.alloc(context, size);
}

void release(void* context, void* memory, std::size_t size) {
  if (size == kChunkBytes) {
    if (TryLock lock; lock && cache.idle_count.load(std::memory_order_relaxed) < cache.chunks_max) {
      auto* chunk = static_cast<IdleChunk*>(memory);
      chunk->next = cache.idle;
      cache.idle = chunk;
      cache.idle_count.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    // Ours and the original allocator's chunks are both plain anonymous pages.
    ::munmap(memory, size);
    return;
  }
  cache.original.free(context, memory, size);
}

// Python's default arenas are mapped pages only where it is built so; elsewhere we could not mix our chunks with its
// own.
bool original_maps_pages() noexcept {
#if defined(__linux__) || defined(__APPLE__)
  return true;
#else
  return false;
#endif
}

}  // namespace

bool install_chunk_cache(unsigned chunks_max) noexcept {
  if (cache.chunks_max != 0) return true;
  if (PY_VERSION_HEX < 0x030B0000 || chunks_max == 0 || !original_maps_pages()) return false;
  PyObject_GetArenaAllocator(&cache.original);
  cache.chunks_max = chunks_max;
  PyObjectArenaAllocator ours{cache.original.ctx, &allocate, &release};
  PyObject_SetArenaAllocator(&ours);
  return true;
}

unsigned chunk_cache_idle() noexcept { return cache.idle_count.load(std::memory_order_relaxed); }

}  // namespace gevent
