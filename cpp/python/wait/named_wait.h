// Waits that say what they were for when nothing can end them.
#pragma once
#include "python/wait/parking.h"

namespace gevent {

// As park_in(), on behalf of `object` (borrowed), an event, a queue, …: a LoopExit that ends the wait has it as its
// `waiting_for`.
Parked park_named_in(PyObject* object, WaitQueue& queue, double timeout_s, void* cookie) noexcept;

// The same for park_thread_in().
Parked park_thread_named_in(PyObject* object, WaitQueue& queue, double timeout_s, void* cookie) noexcept;

// For waits that end otherwise: if a LoopExit is set that names nothing yet, it names `object` from now on.
void name_wait(PyObject* object) noexcept;

}  // namespace gevent
