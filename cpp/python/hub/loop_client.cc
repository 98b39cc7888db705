#include "python/hub/loop_client.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/made_at_load.h"
#include "loop/libev/libev_loop.h"
#include "loop/libuv/libuv_loop.h"
#include "python/hub/hub_state.h"
#include "sync/waiter.h"

namespace gevent {

namespace {

const MadeAtLoad<IntrusiveList<PythonLoop>> all_loops;  // guarded by the GIL

}  // namespace

PythonLoop::PythonLoop(std::unique_ptr<Loop> loop) noexcept : loop_(std::move(loop)) {
  loop_->client = this;
  all_loops().push_back(*this);
}

PythonLoop::~PythonLoop() = default;

void PythonLoop::abandon_all() noexcept {
  IntrusiveList<PythonLoop>& all = all_loops();
  for (PythonLoop* each = all.front(); each != nullptr; each = all.after(*each)) each->loop_->abandon();
}

void PythonLoop::close() noexcept {
  if (loop_->waiters != 0) Losses::note();
  loop_->close();
}

void PythonLoop::run(PyObject* loop_object, Loop::Mode mode) noexcept {
  PyObject* const outer = std::exchange(running_for_, loop_object);
  loop_->run(mode);
  running_for_ = outer;
}

void PythonLoop::before_block() noexcept {
  if (loop_->idle_holds != 0) [[unlikely]]
    rest_.begin();
  thread_state_ = PyEval_SaveThread();
}

void PythonLoop::after_block() noexcept {
  PyEval_RestoreThread(std::exchange(thread_state_, nullptr));
  if (rest_.begun()) [[unlikely]]
    rest_.end();
}

bool PythonLoop::LoopRest::lasts() const noexcept {
  Loop& core = *loop_.loop_;
  return core.ready.peek() == nullptr && !core.rung() && core.facts().active <= static_cast<int>(core.idle_holds);
}

bool PythonLoop::LoopRest::ring() noexcept {
  if (!loop_.loop_->stalls) return false;
  loop_.loop_->wake_up();
  return true;
}

void PythonLoop::turn() noexcept {
  // Does nothing but in the main thread.
  if (PyErr_CheckSignals() != 0) report_to_loop(running_for_, nullptr);
}

namespace {

void raise_refusal(const Error& error, unsigned flags) noexcept {
  if (error.code() == EINVAL && flags != 0) {
    PyErr_Format(PyExc_SystemError, "cannot make an event loop with flags 0x%x: %s", flags, error.message().c_str());
    return;
  }
  // What a program may well meet, such as a lack of descriptors, as anything else meets it.
  PyObject* const text =
      PyUnicode_FromFormat("%s (cannot make an event loop: %s)", std::strerror(error.code()), error.what());
  PyObject* const exception =
      text == nullptr ? nullptr : PyObject_CallFunction(PyExc_OSError, "iO", error.code(), text);
  if (exception != nullptr) PyErr_SetObject(PyExc_OSError, exception);
  Py_XDECREF(exception);
  Py_XDECREF(text);
}

std::shared_ptr<PythonLoop> shared(Result<std::unique_ptr<Loop>> made, unsigned flags) noexcept {
  if (!made.ok()) {
    raise_refusal(made.error(), flags);
    return nullptr;
  }
  const auto destroy = [](PythonLoop* loop) {
    // Of an abandoned one the parent's greenlets that wait in it are kept as well.
    if (loop->core()->closed() || !loop->core()->abandoned()) delete loop;
  };
  return {new PythonLoop(std::move(made).value()), destroy};
}

}  // namespace

std::shared_ptr<PythonLoop> make_libev_python_loop(unsigned flags) noexcept {
  return shared(make_libev_loop(flags), flags);
}

std::shared_ptr<PythonLoop> make_libuv_python_loop() noexcept { return shared(make_libuv_loop(), 0); }

void report_to_loop(PyObject* loop_object, PyObject* context) noexcept {
  if (context == nullptr) context = Py_None;
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
#if PY_VERSION_HEX >= 0x030C0000
  value = PyErr_GetRaisedException();
  if (value == nullptr) return;
  type = Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(value)));
  traceback = PyException_GetTraceback(value);
#else
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
#endif
  PyObject* const done = PyObject_CallMethod(loop_object, "handle_error", "OOOO", context, type, value,
                                             traceback != nullptr ? traceback : Py_None);
  if (done == nullptr) report_failed_handler(context, value);
  Py_XDECREF(done);
  Py_XDECREF(traceback);
  Py_DECREF(value);
  Py_DECREF(type);
}

bool call_with(PyObject* function, PyObject* arguments) noexcept {
  PyObject** const first = &PyTuple_GET_ITEM(arguments, 0);
  const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(arguments));
  PyObject* const result = PyObject_Vectorcall(function, first, count, nullptr);
  Py_XDECREF(result);
  return result != nullptr;
}

PyObject* take_objects(Loop& loop, ReadyEntry::Run run) noexcept {
  PyObject* const objects = PyList_New(0);
  while (objects != nullptr && loop.ready.peek() != nullptr) {
    const ReadyEntry entry = loop.ready.pop();
    if (entry.run != run) continue;
    auto* const object = static_cast<PyObject*>(entry.target);
    const bool failed = PyList_Append(objects, object) != 0;
    Py_DECREF(object);
    if (!failed) continue;
    Py_DECREF(objects);
    return nullptr;
  }
  return objects;
}

}  // namespace gevent
