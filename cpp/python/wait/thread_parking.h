// Waiting with a whole thread: for threads that have no hub and shall not get one.
#pragma once
#include "python/hub/hub_state.h"
#include "python/wait/parking.h"
#include "python/wait/resting_threads.h"

namespace gevent {

// As park_in, but the calling thread sleeps, with the GIL released; no hub is made or needed. Signals that arrive in
// the main thread are handled meanwhile, and what their handlers raise ends the wait (kFailed). So does a LoopExit,
// once no other thread is left that could wake it, nor a handler of a signal, if there is no time limit.
Parked park_thread_in(WaitQueue& queue, double timeout_s, void* cookie = nullptr) noexcept;

// Whether the caller should do that: its thread has no hub, so no greenlets that could run meanwhile, and another
// thread lives that may wake it.
[[nodiscard]] inline bool should_park_thread() noexcept { return hub_state() == nullptr && others_may_come(); }

}  // namespace gevent
