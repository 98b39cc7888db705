// Parking in a Line, once for each round of a LineWait.
#pragma once
#include "python/wait/parking.h"
#include "sync/line_wait.h"

namespace gevent {

// Parks at the place and for the time that `wait` says; afterwards the caller calls wait.arrive(). A LoopExit that ends
// it has `object` (borrowed) as its `waiting_for`.
Parked park_in_line(PyObject* object, LineWait& wait) noexcept;

// The same for a whole thread, one without a hub; always at the end of the line.
Parked park_thread_in_line(PyObject* object, LineWait& wait) noexcept;

}  // namespace gevent
