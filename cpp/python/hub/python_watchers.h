// What the binding of watchers needs beside the watchers themselves.
#pragma once
#include <Python.h>
#include <sys/stat.h>

#include <cstdint>
#include <new>

#include "loop/loop.h"

namespace gevent {

// Room for an Io or a Timer inside its Python object: there are many of them, and one piece of memory is faster to get,
// and to reach, than two.
inline constexpr int kWatcherWords = 16;
using WatcherRoom = std::uint64_t[kWatcherWords];

inline Watcher* make_io(WatcherRoom& room, Loop& loop, int fd, int events, Watcher::Callback callback, void* owner) {
  static_assert(sizeof(Io) <= sizeof room && alignof(Io) <= alignof(std::uint64_t));
  return new (room) Io(loop, fd, events, callback, owner);
}

inline Watcher* make_timer(WatcherRoom& room, Loop& loop, double after_s, double repeat_s, Watcher::Callback callback,
                           void* owner) {
  static_assert(sizeof(Timer) <= sizeof room && alignof(Timer) <= alignof(std::uint64_t));
  return new (room) Timer(loop, after_s, repeat_s, callback, owner);
}

// Destroys a watcher of a Python object; unless it lives in a WatcherRoom, also deletes it. (A Watcher has no virtual
// destructor, but knows what it is.)
void delete_watcher(Watcher* watcher) noexcept;

// A new list of the owners, Python objects, of all watchers of `loop` with that callback; nullptr and an exception if
// there is no memory.
PyObject* owners_of_watchers(Loop& loop, Watcher::Callback callback) noexcept;

// A new os.stat_result; None when there is no such file (no link to it). nullptr and an exception on failure.
PyObject* stat_result(const struct stat& attributes) noexcept;

// ---- eventfd, where the system has it ----

// A new eventfd that never blocks, or -1 and an OSError.
int make_eventfd(unsigned initial, bool semaphore) noexcept;
// A new Eventfd watcher, or nullptr and an OSError.
Watcher* make_eventfd_watcher(Loop& loop, int fd, Watcher::Callback callback, void* owner) noexcept;
// Requires: `watcher` was made by make_eventfd_watcher().
std::uint64_t eventfd_value(const Watcher& watcher) noexcept;
// Stops it; its descriptor may then be closed. Requires: likewise.
void forget_eventfd(Watcher& watcher) noexcept;
// Adds to the counter: 0, or -1 and an OSError (BlockingIOError when it would pass the maximum).
int add_to_eventfd(int fd, std::uint64_t amount) noexcept;

}  // namespace gevent
