// A thread of the system's that Python knows.
#pragma once
#include <Python.h>

#include <atomic>
#include <thread>
#include <utility>

namespace gevent::testing {

// Runs `body` in a thread of its own, with the GIL; join(), or the end of this, gives up the GIL until that is over.
class NativeThread {
 public:
  template <typename Body>
  explicit NativeThread(Body body)
      : thread_([this, body = std::move(body)] {
          const PyGILState_STATE state = PyGILState_Ensure();
          body();
          PyGILState_Release(state);
          ended_ = true;
        }) {}
  NativeThread(const NativeThread&) = delete;
  NativeThread& operator=(const NativeThread&) = delete;
  ~NativeThread() { join(); }

  void join() {
    if (!thread_.joinable()) return;
    Py_BEGIN_ALLOW_THREADS;
    thread_.join();
    Py_END_ALLOW_THREADS;
  }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

// Lets other threads run until `condition()`, which is asked with the GIL, is true.
template <typename Condition>
void let_threads_run_until(Condition condition) {
  while (!condition()) {
    Py_BEGIN_ALLOW_THREADS;
    std::this_thread::yield();
    Py_END_ALLOW_THREADS;
  }
}

}  // namespace gevent::testing
