// Parking: how a greenlet waits.
//
// A greenlet that waits for a wake-up, a time or a descriptor is *parked* on a C++ object, and the greenlet that runs
// next gets control by one greenlet switch: straight to the next parked greenlet of the loop's ready queue when there
// is one, otherwise to the hub. No Python object is made on the way. Whoever wakes a parked greenlet only pushes it on
// the ready queue of its own loop; nobody is switched to from a wake-up.
//
//   park   = leave the C stack, with a heap object that knows how to get back here
//   wake   = put that object on the ready queue (any thread that holds the GIL)
//   cancel = what happens when the greenlet is resumed by somebody else (kill, Timeout, throw): the parked object
//            leaves every queue and stops its watchers, so nothing is lost and nothing fires late
//
// All functions need the GIL, take the current hub of the calling thread (making one if there is none), and return
// kFailed with a Python exception set when: the caller is the hub itself (BlockingSwitchOutError), an exception was
// thrown into the greenlet, nothing is left that could ever wake it (LoopExit, in the main greenlet), or somebody
// switched to it without waking it (InvalidSwitchError).
#pragma once
#include <Python.h>

#include "loop/loop.h"
#include "sync/waiter.h"

namespace gevent {

enum Parked : int { kFailed = -1, kTimedOut = 0, kWoken = 1 };

// Whether `seconds` is a number; false + ValueError for what is none and would never be over. All below ask this.
bool is_number(double seconds) noexcept;

// Whether the caller is a hub that asks for a wait without time: it would wait for itself, so it gets kTimedOut at
// once, and whoever has descriptors looks at them.
[[nodiscard]] bool has_no_time(double timeout_s) noexcept;

// Stands in `queue` until woken. `timeout_s` in seconds; negative: no limit; 0: one turn of the loop. `cookie` is
// Waiter::cookie. On kTimedOut and kFailed the waiter has left the queue.
Parked park_in(WaitQueue& queue, double timeout_s, void* cookie = nullptr) noexcept;

// As park_in, at the front of the line.
Parked park_first_in(WaitQueue& queue, double timeout_s, void* cookie = nullptr) noexcept;

// Sleeps `seconds`; 0 lets everybody else who is ready run first. `ref`: whether the sleep keeps the loop running.
// Returns kTimedOut or kFailed. In a hub, and while the interpreter exits, there is nobody to let run: 0 is over at
// once.
Parked sleep_for(double seconds, bool ref) noexcept;

// Waits until `io` is ready (the watcher is started and stopped here; its callback and owner are set here).
// Requires: !io_in_use(io). fail_io() makes the waiter return kFailed with a given exception.
Parked park_on(Io& io, double timeout_s) noexcept;
[[nodiscard]] bool io_in_use(const Io& io) noexcept;
void fail_io(Io& io, PyObject* exception) noexcept;  // borrows `exception`, an instance
void wake_io(Io& io) noexcept;                       // as if it were ready; nothing when nobody is parked on it

// Waits on a descriptor without a watcher of the caller's: one is taken from a pool.
Parked park_on_fd(int fd, int events, double timeout_s) noexcept;

// The current thread's hub (a new reference; made if missing, nullptr + exception if that fails), and the same
// without making one (nullptr, no exception, if there is none).
PyObject* current_hub() noexcept;
PyObject* current_hub_if_exists() noexcept;
// The C++ loop of the current thread's hub; nullptr + exception when it cannot be had.
Loop* current_loop() noexcept;
// The C++ loop behind a Python loop object (its `_core` capsule, named "gevent.Loop"); nullptr + TypeError otherwise.
Loop* loop_of(PyObject* loop_object) noexcept;

// Reports the exception that is set now through the hub's handle_error(context, type, value, traceback) and clears it.
void report_exception(PyObject* hub, PyObject* context) noexcept;

// Calls `callable(argument)` (argument may be nullptr: no argument) from the hub of `loop`, once, in turn. Steals
// nothing. Any thread with the GIL.
void call_soon(Loop& loop, PyObject* callable, PyObject* argument) noexcept;

}  // namespace gevent
