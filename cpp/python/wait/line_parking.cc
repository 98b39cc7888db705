#include "python/wait/line_parking.h"

#include "python/wait/named_wait.h"

namespace gevent {

Parked park_in_line(PyObject* object, LineWait& wait) noexcept {
  WaitQueue& queue = wait.line().queue;
  const double left = wait.left();
  const Parked outcome =
      wait.goes_first() ? park_first_in(queue, left, wait.ticket()) : park_in(queue, left, wait.ticket());
  if (outcome == kFailed) [[unlikely]]
    name_wait(object);
  return outcome;
}

Parked park_thread_in_line(PyObject* object, LineWait& wait) noexcept {
  return park_thread_named_in(object, wait.line().queue, wait.left(), wait.ticket());
}

}  // namespace gevent
