// A loop as Python uses it: with the GIL as the lock, Python's signals, and a Python object that hears of errors.
#pragma once
#include <Python.h>

#include <memory>

#include "base/intrusive_list.h"
#include "loop/loop.h"
#include "python/wait/resting_threads.h"

namespace gevent {

// A C++ loop and what Python adds to it. Several Python loop objects may stand for one: the process's default loop. It
// ends when the last of them has left. What remains of it then is freed with the last object, because greenlets that
// wait in it point to it, and keep their hub, and so the hub's loop object, alive. One that was abandoned after a fork
// is kept for ever, but not used.
class PythonLoop final : public ListNode, private LoopClient {
 public:
  explicit PythonLoop(std::unique_ptr<Loop> loop) noexcept;
  ~PythonLoop();  // needs the GIL

  [[nodiscard]] Loop* core() const noexcept { return loop_.get(); }

  // The objects that stand for it. leave() returns whether the caller was the last: then it has to let go of what is
  // queued and watched, and to close the core, unless that was abandoned.
  void join() noexcept { ++objects_; }
  [[nodiscard]] bool leave() noexcept { return --objects_ == 0; }

  // In a forked child that starts over: abandons every loop there is, those of other threads, too.
  static void abandon_all() noexcept;

  // The end. Requires: the core is not abandoned.
  void close() noexcept;

  // Runs it for `loop_object` (borrowed; its handle_error() hears of errors meanwhile).
  void run(PyObject* loop_object, Loop::Mode mode) noexcept;
  [[nodiscard]] PyObject* running_for() const noexcept { return running_for_; }  // borrowed; nullptr when not running

 private:
  // Its thread's, while it sleeps and waits for nothing but other threads.
  class LoopRest final : public Rest {
   public:
    explicit LoopRest(PythonLoop& loop) noexcept : loop_(loop) {}
    [[nodiscard]] bool lasts() const noexcept override;
    bool ring() noexcept override;

   private:
    PythonLoop& loop_;
  };

  void before_block() noexcept override;
  void after_block() noexcept override;
  void turn() noexcept override;

  std::unique_ptr<Loop> loop_;
  int objects_ = 0;
  PyObject* running_for_ = nullptr;
  PyThreadState* thread_state_ = nullptr;
  LoopRest rest_{*this};
};

// A new loop on libev or libuv, or no loop and a Python exception: OSError, or SystemError for flags that mean nothing
// here.
std::shared_ptr<PythonLoop> make_libev_python_loop(unsigned flags) noexcept;
std::shared_ptr<PythonLoop> make_libuv_python_loop() noexcept;

// Reports the exception that is set now to loop_object.handle_error(context, type, value, traceback), and clears it.
// `context` nullptr: None. When handle_error fails itself: report_failed_handler().
void report_to_loop(PyObject* loop_object, PyObject* context) noexcept;

// Calls `function` with the elements of the tuple `arguments` and drops what it returns; false and an exception on
// failure.
bool call_with(PyObject* function, PyObject* arguments) noexcept;

// ---- Python's callbacks in the ready queue
// ----------------------------------------------------------------------------

// Appends `object` (a new reference is taken; `run` releases it; its argument is `loop`) and wakes the loop's thread if
// it sleeps.
inline void push_object(PythonLoop& loop, ReadyEntry::Run run, PyObject* object) noexcept {
  Py_INCREF(object);
  loop.core()->ready.push({run, object, &loop});
  loop.core()->wake_up_if_blocked();
}

// Takes every entry off the queue of a loop that will not run again, and returns a new list of the objects of those
// with that `run`; the others are dropped. nullptr and an exception if there is no memory.
PyObject* take_objects(Loop& loop, ReadyEntry::Run run) noexcept;

}  // namespace gevent
