#include "python/object/saved_stack_cache.h"

#include <Python.h>

#if defined(__GLIBC__) && !defined(Py_GIL_DISABLED)
#include <dlfcn.h>
#include <malloc.h>

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

// Whoever wrapped it before keeps books of its own, for which a block that is kept here would be one in use.
bool is_pythons_own(const PyMemAllocatorEx& allocator) noexcept {
  Dl_info of_allocator{}, of_python{};
  return allocator.ctx == nullptr && ::dladdr(reinterpret_cast<void*>(allocator.malloc), &of_allocator) != 0 &&
         ::dladdr(reinterpret_cast<void*>(&PyMem_RawMalloc), &of_python) != 0 &&
         of_allocator.dli_fbase == of_python.dli_fbase;
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
