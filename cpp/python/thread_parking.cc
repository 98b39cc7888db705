#include "python/thread_parking.h"

#include <algorithm>

#include "base/clock.h"

namespace gevent {
namespace {

// Python's own lock: the only one that a signal can interrupt on every platform. Held while nobody has woken.
class SleepingThread final : public Waiter {
 public:
  explicit SleepingThread(void* its_cookie) noexcept : lock_(PyThread_allocate_lock()) {
    cookie = its_cookie;
    if (lock_ != nullptr) PyThread_acquire_lock(lock_, NOWAIT_LOCK);
  }
  ~SleepingThread() {
    if (lock_ == nullptr) return;
    if (!woken_) PyThread_release_lock(lock_);
    PyThread_free_lock(lock_);
  }

  [[nodiscard]] bool valid() const noexcept { return lock_ != nullptr; }
  [[nodiscard]] bool woken() const noexcept { return woken_; }

  void wake() noexcept override {
    woken_ = true;
    PyThread_release_lock(lock_);
  }

  // Returns false when the time is over or a signal came.
  void sleep(PY_TIMEOUT_T microseconds) noexcept {
    PyLockStatus status;
    Py_BEGIN_ALLOW_THREADS;
    status = PyThread_acquire_lock_timed(lock_, microseconds, 1);
    Py_END_ALLOW_THREADS;
    if (status == PY_LOCK_ACQUIRED) PyThread_release_lock(lock_);
  }

 private:
  PyThread_type_lock lock_;
  bool woken_ = false;
};

}  // namespace

Parked park_thread_in(WaitQueue& queue, double timeout_s, void* cookie) noexcept {
  if (!is_number(timeout_s)) return kFailed;
  // On the C stack: this thread does not leave this frame, so no greenlet can move it.
  SleepingThread sleeper(cookie);
  if (!sleeper.valid()) {
    PyErr_NoMemory();
    return kFailed;
  }
  queue.enqueue(sleeper);
  // Longer than any program runs, and safe to convert.
  constexpr double kLongest = 1e8;
  const Nanoseconds deadline =
      Clock::now() + Nanoseconds(static_cast<std::int64_t>(std::clamp(timeout_s, 0.0, kLongest) * 1e9));
  while (!sleeper.woken()) {
    PY_TIMEOUT_T microseconds = -1;
    if (timeout_s >= 0) {
      const Nanoseconds left = deadline - Clock::now();
      if (left <= Nanoseconds(0)) break;
      microseconds = std::chrono::duration_cast<std::chrono::microseconds>(left).count() + 1;
    }
    sleeper.sleep(microseconds);
    if (PyErr_CheckSignals() < 0) return kFailed;
  }
  return sleeper.woken() ? kWoken : kTimedOut;
}

bool has_other_threads() noexcept {
  PyThreadState* const mine = PyThreadState_Get();
  PyThreadState* const newest = PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(mine));
  return newest != mine || PyThreadState_Next(mine) != nullptr;
}

}  // namespace gevent
