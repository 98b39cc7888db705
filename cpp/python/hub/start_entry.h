// Starting greenlets, and calling functions, from the ready queue.
#pragma once
#include "python/hub/hub_state.h"
#include "python/wait/parking.h"

namespace gevent {

// A greenlet is started from the hub only: one that starts another would hold it on its own C stack, and a chain of
// such starts would copy ever larger pieces of stack.

// Starts `greenlet` with no arguments in its turn. Takes a reference until then; cancel_start() gives it back.
ReadyQueue::Position start_soon(Loop& loop, PyGreenlet* greenlet) noexcept;
void cancel_start(Loop& loop, ReadyQueue::Position position, PyGreenlet* greenlet) noexcept;

// The same with arguments to `run`, for greenlets nobody cancels. Borrows; `kwargs` may be nullptr.
void start_soon_with(Loop& loop, PyGreenlet* greenlet, PyObject* args, PyObject* kwargs) noexcept;

// Calls notify(target) from the hub in its turn; keeps a reference to `target` until then.
void notify_soon(Loop& loop, PyObject* target, void (*notify)(PyObject* target)) noexcept;

}  // namespace gevent
