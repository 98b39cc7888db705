#include "python/hub/start_entry.h"

#include "python/object/greenlet_api.h"
#include "python/wait/spinning.h"

namespace gevent {
namespace {

PyObject* no_arguments() noexcept {
  static PyObject* tuple = PyTuple_New(0);
  return tuple;
}

PyObject* start(PyGreenlet* greenlet, PyObject* args, PyObject* kwargs) noexcept {
  forget_looks();
  return PyGreenlet_Switch(greenlet, args, kwargs);
}

void finish_start(PyGreenlet* greenlet, PyObject* arrived) noexcept {
  if (arrived == nullptr) report_failed_switch(greenlet);
  Py_XDECREF(arrived);
  Py_DECREF(greenlet);
}

// Whoever was queued to start may have been started, or killed, by somebody else meanwhile.
bool is_still_new(PyGreenlet* greenlet) noexcept { return !PyGreenlet_STARTED(greenlet); }

void run_start(void* target, void*) noexcept {
  auto* greenlet = static_cast<PyGreenlet*>(target);
  if (!is_still_new(greenlet)) {
    Py_DECREF(greenlet);
    return;
  }
  finish_start(greenlet, start(greenlet, no_arguments(), nullptr));
}

void run_start_with_args(void* target, void* argument) noexcept {
  auto* greenlet = static_cast<PyGreenlet*>(target);
  auto* args = static_cast<PyObject*>(argument);
  PyObject* arrived = start(greenlet, args, nullptr);
  Py_DECREF(args);
  finish_start(greenlet, arrived);
}

// `argument` is a pair (args, kwargs).
void run_start_with_pair(void* target, void* argument) noexcept {
  auto* greenlet = static_cast<PyGreenlet*>(target);
  auto* pair = static_cast<PyObject*>(argument);
  PyObject* arrived = start(greenlet, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
  Py_DECREF(pair);
  finish_start(greenlet, arrived);
}

void run_notify(void* target, void* argument) noexcept {
  auto* object = static_cast<PyObject*>(target);
  reinterpret_cast<void (*)(PyObject*)>(argument)(object);
  if (PyErr_Occurred()) report_exception(nullptr, object);
  Py_DECREF(object);
}

}  // namespace

ReadyQueue::Position start_soon(Loop& loop, PyGreenlet* greenlet) noexcept {
  Py_INCREF(greenlet);
  const auto position = loop.ready.push({&run_start, greenlet, nullptr});
  loop.wake_up_if_blocked();
  return position;
}

void cancel_start(Loop& loop, ReadyQueue::Position position, PyGreenlet* greenlet) noexcept {
  loop.ready.cancel(position);
  Py_DECREF(greenlet);
}

void start_soon_with(Loop& loop, PyGreenlet* greenlet, PyObject* args, PyObject* kwargs) noexcept {
  PyObject* argument;
  ReadyEntry::Run run;
  if (kwargs == nullptr || PyDict_GET_SIZE(kwargs) == 0) {
    run = &run_start_with_args;
    argument = Py_NewRef(args);
  } else {
    run = &run_start_with_pair;
    argument = PyTuple_Pack(2, args, kwargs);
    if (argument == nullptr) {
      report_exception(nullptr, reinterpret_cast<PyObject*>(greenlet));
      return;
    }
  }
  Py_INCREF(greenlet);
  loop.ready.push({run, greenlet, argument});
  loop.wake_up_if_blocked();
}

void notify_soon(Loop& loop, PyObject* target, void (*notify)(PyObject* target)) noexcept {
  loop.ready.push({&run_notify, Py_NewRef(target), reinterpret_cast<void*>(notify)});
  loop.wake_up_if_blocked();
}

}  // namespace gevent
