// Parking until another process, or another greenlet of this one, gives a unit back.
#pragma once
#include "ipc/shared_semaphore.h"
#include "python/wait/parking.h"

namespace gevent {

// Takes a unit of `semaphore`, at most after `timeout_s` seconds (negative: no limit). kWoken: taken. Whoever is
// interrupted has taken none, and the wake-up it had goes to the next in line. A thread without a hub waits as a whole,
// and gets none: no descriptor is needed for that. With a hub, but no descriptor to spare, the greenlet looks again
// every few milliseconds.
Parked wait_for_unit(SharedSemaphore& semaphore, double timeout_s) noexcept;

// In a child whose hub was abandoned: forgets the ears of the parent's loops. The lines are forgotten one by one, by
// SharedSemaphore::forget_line().
void forget_lane_watches() noexcept;

}  // namespace gevent
