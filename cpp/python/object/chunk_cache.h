// Reuse of the 16 KiB data-stack chunk that CPython 3.11+ maps and unmaps for every greenlet.
#pragma once

namespace gevent {

// From 3.11 on, each greenlet that starts gets a `_PyStackChunk` of its own from Python's arena allocator: an mmap(), a
// page fault and a munmap(), about 6 us in a life of 0.7 us. This puts a free list of such chunks in front of that
// allocator and passes every other size through. Process-wide, so it can be switched off: GEVENT_CHUNK_CACHE=0.
//
// The list keeps at most `chunks_max` idle chunks and gives back what comes above. Any thread may call the allocator,
// with the GIL or without; a thread that finds the list taken goes to the original allocator instead of waiting, so a
// fork in the middle can never leave a child hanging.
//
// Installs once; later calls do nothing. Returns whether the cache is in place.
bool install_chunk_cache(unsigned chunks_max) noexcept;

// Idle chunks at this moment, for tests and run info.
unsigned chunk_cache_idle() noexcept;

}  // namespace gevent
