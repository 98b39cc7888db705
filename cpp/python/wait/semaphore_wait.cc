#include "python/wait/semaphore_wait.h"

#include "python/wait/line_parking.h"
#include "python/wait/thread_parking.h"

namespace gevent {
namespace {

Parked draw_in_line(PyObject* object, Semaphore& semaphore, LineWait& wait, bool takes) noexcept {
  const bool sleeps = should_park_thread();
  for (;;) {
    const Parked woken = sleeps ? park_thread_in_line(object, wait) : park_in_line(object, wait);
    if (woken == kFailed) return kFailed;
    wait.arrive();
    if (takes ? semaphore.try_acquire() : semaphore.count() > 0) return kWoken;
    if (woken == kTimedOut) return kTimedOut;
  }
}

}  // namespace

Parked draw_unit(PyObject* object, Semaphore& semaphore, double limit_s, bool takes) noexcept {
  LineWait wait;
  wait.enter(semaphore.line, limit_s, nullptr, takes);
  const Parked outcome = draw_in_line(object, semaphore, wait, takes);
  wait.leave();
  semaphore.pass_on();
  return outcome;
}

}  // namespace gevent
