// Reuse of the memory in which greenlet puts away the C stack of who is switched away from.
#pragma once

namespace gevent {

// A switch copies what it leaves of the C stack, one to four kilobytes, into memory that Python's raw allocator gives,
// and frees the copy of who goes on. What glibc frees it keeps for the thread only up to 1032 bytes; for more it looks
// through its heap, which costs up to a tenth of the whole switch, by chance more or less. This puts KeptBlocks in
// front of that allocator, for the threads that asked for it. Process-wide, so it can be switched off:
// GEVENT_STACK_CACHE=0.
//
// A thread's blocks are its own, so there is no lock, with the GIL or without, and nothing that a fork could find
// taken. They are freed when the thread ends.
//
// Installs once; later calls do nothing. Returns whether the cache is in place: not where the allocator is not Python's
// own over glibc's malloc() (PYTHONMALLOC=debug, tracemalloc at work, another library's).
bool install_saved_stack_cache() noexcept;

// From now on the calling thread keeps blocks; once for each thread with a hub. Nothing where it is not in place.
void keep_saved_stacks() noexcept;

// Blocks that the calling thread keeps at this moment, for tests and run info.
unsigned saved_stacks_kept() noexcept;

}  // namespace gevent
