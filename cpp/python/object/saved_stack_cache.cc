#include "python/object/saved_stack_cache.h"

#include <Python.h>

#if defined(__GLIBC__) && !defined(Py_GIL_DISABLED)
#include <link.h>
#include <malloc.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "base/kept_blocks.h"
#include "base/static_tls.h"

namespace gevent {
namespace {

constinit thread_local KeptBlocks* kept GEVENT_STATIC_TLS = nullptr;

PyMemAllocatorEx original{};
bool installed = false;

void* allocate(void* context, std::size_t size) {
  if (kept != nullptr && KeptBlocks::keeps(size)) {
    if (void* const block = kept->take(size); block != nullptr) return block;
    size = KeptBlocks::rounded_up(size);
  }
  return original.malloc(context, size);
}

void release(void* context, void* block) {
  if (kept != nullptr && block != nullptr && kept->keep(block, ::malloc_usable_size(block))) return;
  original.free(context, block);
}

// Frees what a thread keeps when it ends. Others of its destructors may still allocate: they do without. The blocks are
// not in here, since there is little room for variables of each thread where they cost an instruction to read.
struct ThreadEnd {
  ThreadEnd() noexcept { kept = new KeptBlocks; }
  ThreadEnd(const ThreadEnd&) = delete;
  ThreadEnd& operator=(const ThreadEnd&) = delete;
  ~ThreadEnd() {
    const std::unique_ptr<KeptBlocks> blocks(std::exchange(kept, nullptr));
    blocks->release_all([](void* block) { original.free(original.ctx, block); });
  }
};

struct OneObject {
  std::uintptr_t first, second;  // addresses of code
  bool has_both;
};

// For each of the program's shared objects; not dladdr(), which reads all the symbols of one.
int look_for_both(dl_phdr_info* object, std::size_t, void* wanted) {
  auto* const both = static_cast<OneObject*>(wanted);
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || both->first - begin >= segment.p_memsz) continue;
    both->has_both = both->second - begin < segment.p_memsz;
    return 1;
  }
  return 0;
}

// Whoever wrapped it before keeps books of its own, for which a block that is kept here would be one in use.
bool is_pythons_own(const PyMemAllocatorEx& allocator) noexcept {
  OneObject both{reinterpret_cast<std::uintptr_t>(allocator.malloc), reinterpret_cast<std::uintptr_t>(&PyMem_RawMalloc),
                 false};
  if (allocator.ctx == nullptr) ::dl_iterate_phdr(&look_for_both, &both);
  return both.has_both;
}

}  // namespace

bool install_saved_stack_cache() noexcept {
  if (installed) return true;
  PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &original);
  if (!is_pythons_own(original)) return false;
  PyMemAllocatorEx ours = original;
  ours.malloc = &allocate;
  ours.free = &release;
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &ours);
  installed = true;
  return true;
}

void keep_saved_stacks() noexcept {
  if (!installed || kept != nullptr) return;
  static thread_local ThreadEnd at_end;
  static_cast<void>(at_end);
}

unsigned saved_stacks_kept() noexcept { return kept == nullptr ? 0 : kept->count(); }

}  // namespace gevent

#else

namespace gevent {

bool install_saved_stack_cache() noexcept { return false; }
void keep_saved_stacks() noexcept {}
unsigned saved_stacks_kept() noexcept { return 0; }

}  // namespace gevent

#endif
