#include "python/wait/named_wait.h"

#include "python/hub/hub_state.h"
#include "python/wait/thread_parking.h"

namespace gevent {

void name_wait(PyObject* object) noexcept {
  PyObject* const loop_exit = gevent_exception("LoopExit");
  if (loop_exit == nullptr || PyErr_ExceptionMatches(loop_exit) == 0) return;
  static PyObject* const attribute = PyUnicode_InternFromString("waiting_for");
  PyObject *type = nullptr, *error = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  PyErr_NormalizeException(&type, &error, &traceback);
  PyObject* const named = PyObject_GetAttr(error, attribute);
  if (named == nullptr || (named == Py_None && PyObject_SetAttr(error, attribute, object) < 0)) PyErr_Clear();
  Py_XDECREF(named);
  PyErr_Restore(type, error, traceback);
}

Parked park_named_in(PyObject* object, WaitQueue& queue, double timeout_s, void* cookie) noexcept {
  const Parked outcome = park_in(queue, timeout_s, cookie);
  if (outcome == kFailed) [[unlikely]]
    name_wait(object);
  return outcome;
}

Parked park_thread_named_in(PyObject* object, WaitQueue& queue, double timeout_s, void* cookie) noexcept {
  const Parked outcome = park_thread_in(queue, timeout_s, cookie);
  if (outcome == kFailed) [[unlikely]]
    name_wait(object);
  return outcome;
}

}  // namespace gevent
