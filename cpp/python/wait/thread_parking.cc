#include "python/wait/thread_parking.h"

#include <algorithm>

#include "base/clock.h"
#include "python/hub/hub_state.h"
#include "python/hub/signal_delivery.h"
#include "python/wait/resting_threads.h"

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
    if (!open_) PyThread_release_lock(lock_);
    PyThread_free_lock(lock_);
  }

  [[nodiscard]] bool valid() const noexcept { return lock_ != nullptr; }
  [[nodiscard]] bool woken() const noexcept { return woken_; }

  void wake() noexcept override {
    woken_ = true;
    open();
  }

  // Returns when woken or rung, the time is over or a signal came. `rests`: whether it waits for others alone.
  void sleep(PY_TIMEOUT_T microseconds, bool rests) noexcept {
    if (rests) rest_.begin();
    PyLockStatus status;
    Py_BEGIN_ALLOW_THREADS;
    status = PyThread_acquire_lock_timed(lock_, microseconds, 1);
    Py_END_ALLOW_THREADS;
    rest_.end();
    if (status != PY_LOCK_ACQUIRED) return;
    if (woken_) {
      PyThread_release_lock(lock_);
    } else {
      open_ = false;
    }
  }

 private:
  class SleepersRest final : public Rest {
   public:
    explicit SleepersRest(SleepingThread& sleeper) noexcept : sleeper_(sleeper) {}
    [[nodiscard]] bool lasts() const noexcept override { return !sleeper_.open_; }
    bool ring() noexcept override {
      sleeper_.open();
      return true;
    }

   private:
    SleepingThread& sleeper_;
  };

  void open() noexcept {
    if (!open_) PyThread_release_lock(lock_);
    open_ = true;
  }

  PyThread_type_lock lock_;
  SleepersRest rest_{*this};
  bool open_ = false;  // the lock is free
  bool woken_ = false;
};

// Whether a handler of the program's may yet run here: what is installed is policy. -1 + exception on failure.
int signal_may_come() noexcept {
  PyObject* const module = PyImport_ImportModule("gevent.hub");
  PyObject* const answer = module == nullptr ? nullptr : PyObject_CallMethod(module, "_signal_may_come", nullptr);
  const int truth = answer == nullptr ? -1 : PyObject_IsTrue(answer);
  Py_XDECREF(answer);
  Py_XDECREF(module);
  return truth;
}

Parked give_up() noexcept {
  if (PyObject* const type = gevent_exception("LoopExit"); type != nullptr)
    PyErr_SetString(type, "This operation would block forever");
  return kFailed;
}

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
  double pause_s = kFirstPauseS;
  while (!sleeper.woken()) {
    PY_TIMEOUT_T microseconds = -1;
    bool rests = timeout_s < 0;
    if (timeout_s < 0) {
      if (!others_may_come()) {
        const int may_come = signal_may_come();
        if (may_come <= 0) return may_come < 0 ? kFailed : give_up();
        rests = false;  // something else than a thread may wake it
      } else if (only_foreigners_may_come()) {
        microseconds = static_cast<PY_TIMEOUT_T>(pause_s * 1e6);
        pause_s = std::min(pause_s * 2, kLongestPauseS);
      }
    } else {
      const Nanoseconds left = deadline - Clock::now();
      if (left <= Nanoseconds(0)) break;
      microseconds = std::chrono::duration_cast<std::chrono::microseconds>(left).count() + 1;
    }
    if (!call_handlers_in_wait()) return kFailed;
    if (!sleeper.woken()) sleeper.sleep(microseconds, rests);
    if (!call_handlers_in_wait()) return kFailed;
  }
  return sleeper.woken() ? kWoken : kTimedOut;
}

}  // namespace gevent
