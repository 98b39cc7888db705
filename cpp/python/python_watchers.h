// What the binding of watchers needs beside the watchers themselves.
#pragma once
#include <Python.h>
#include <sys/stat.h>

#include <cstdint>

#include "loop/loop.h"

namespace gevent {

// Destroys a watcher made with new. (A Watcher has no virtual destructor, but knows what it is.)
void delete_watcher(Watcher* watcher) noexcept;

// A new list of the owners, Python objects, of all watchers of `loop` with that callback; nullptr and an exception if
// there is no memory.
PyObject* owners_of_watchers(Loop& loop, Watcher::Callback callback) noexcept;

// A new os.stat_result; None when there is no such file (no link to it). nullptr and an exception on failure.
PyObject* stat_result(const struct stat& attributes) noexcept;

// ---- eventfd, where the system has it ----------------------------------------------------------------------------------

// A new eventfd that never blocks, or -1 and an OSError.
int make_eventfd(unsigned initial, bool semaphore) noexcept;
// A new Eventfd watcher, or nullptr and an OSError.
Watcher* make_eventfd_watcher(Loop& loop, int fd, Watcher::Callback callback, void* owner) noexcept;
// Requires: `watcher` was made by make_eventfd_watcher().
std::uint64_t eventfd_value(const Watcher& watcher) noexcept;
// Adds to the counter: 0, or -1 and an OSError (BlockingIOError when it would pass the maximum).
int add_to_eventfd(int fd, std::uint64_t amount) noexcept;

}  // namespace gevent
