// Waiting for a unit of a Semaphore.
#pragma once
#include <Python.h>

#include "python/wait/parking.h"
#include "sync/semaphore.h"

namespace gevent {

// Waits, round after round, until `semaphore` has a unit, and takes it unless `takes` is false; at most `limit_s`
// seconds (negative: no limit), kTimedOut then. A thread without a hub sleeps; should_park_thread() tells which. On
// behalf of `object` (borrowed), which a LoopExit names. However it ends, what there is goes on to the next in line.
Parked draw_unit(PyObject* object, Semaphore& semaphore, double limit_s, bool takes) noexcept;

}  // namespace gevent
