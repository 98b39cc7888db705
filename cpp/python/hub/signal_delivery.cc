#include "python/hub/signal_delivery.h"

#include <utility>

#include "python/object/greenlet_api.h"
#include "python/wait/parked_greenlet.h"

namespace gevent {

WaitQueue& waiting_for_signal_handlers() noexcept {
  static WaitQueue line;
  return line;
}

PyObject* call_signal_handler(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept {
  const HandlersInWait handlers;  // it is the program's code
  PyObject* const result = PyObject_CallFunctionObjArgs(handler, signalnum, frame, nullptr);
  waiting_for_signal_handlers().wake_all();
  return result;
}

namespace {

PyObject* without_result(PyObject* result) noexcept {
  if (result == nullptr) return nullptr;
  Py_DECREF(result);
  return Py_NewRef(Py_None);
}

enum class Place { kHub, kBelowHub, kElsewhere };

Place place_of_caller(const HubState* hub) noexcept {
  if (hub == nullptr) return Place::kElsewhere;
  PyGreenlet* greenlet = PyGreenlet_GetCurrent();
  if (greenlet == nullptr) {
    PyErr_Clear();  // the interpreter exits
    return Place::kElsewhere;
  }
  Place place = greenlet == hub->greenlet ? Place::kHub : Place::kElsewhere;
  while (place == Place::kElsewhere && greenlet != nullptr) {
    PyGreenlet* const parent = PyGreenlet_GetParent(greenlet);
    Py_SETREF(greenlet, parent);
    if (greenlet == hub->greenlet) place = Place::kBelowHub;
  }
  Py_XDECREF(greenlet);
  return place;
}

// What a greenlet of the handler's own runs: self is (handler, signalnum, frame).
PyObject* run_handler(PyObject* self, PyObject*) noexcept {
  PyObject* const result =
      call_signal_handler(PyTuple_GET_ITEM(self, 0), PyTuple_GET_ITEM(self, 1), PyTuple_GET_ITEM(self, 2));
  return result != nullptr ? result : raise_in_main_greenlet();
}

PyMethodDef run_handler_method = {"run_handler", &run_handler, METH_NOARGS, nullptr};

PyObject* call_in_new_greenlet(const HubState& hub, PyGreenlet* main, PyObject* handler, PyObject* signalnum) noexcept {
  PyObject* frame = PyObject_GetAttrString(reinterpret_cast<PyObject*>(main), "gr_frame");
  PyObject* const self = frame == nullptr ? nullptr : PyTuple_Pack(3, handler, signalnum, frame);
  Py_XDECREF(frame);
  PyObject* const run = self == nullptr ? nullptr : PyCFunction_New(&run_handler_method, self);
  Py_XDECREF(self);
  PyObject* const greenlet = run == nullptr ? nullptr
                                            : PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(greenlet_type()),
                                                                           run, hub.greenlet, nullptr);
  Py_XDECREF(run);
  if (greenlet == nullptr) return nullptr;
  PyObject* const result = PyGreenlet_Switch(reinterpret_cast<PyGreenlet*>(greenlet), nullptr, nullptr);
  Py_DECREF(greenlet);
  return without_result(result);
}

// In the hub, or below it.
PyObject* interrupt_main(const HubState& hub, bool in_hub, PyObject* handler, PyObject* signalnum,
                         PyObject* frame) noexcept {
  PyGreenlet* const main = PyGreenlet_GetParent(hub.greenlet);
  if (main == nullptr) return nullptr;
  PyObject* result;
  if (ParkedGreenlet* const waiting = ParkedGreenlet::of(main); waiting != nullptr) {
    result = waiting->interrupt(handler, signalnum, in_hub ? nullptr : frame);
  } else if (in_hub) {
    result = call_in_new_greenlet(hub, main, handler, signalnum);
  } else {
    result = without_result(call_signal_handler(handler, signalnum, frame));
    if (result == nullptr) result = raise_in_main_greenlet();
  }
  Py_DECREF(main);
  return result;
}

// Who holds handlers back, and those that are kept for it.
PyGreenlet* holder = nullptr;
PyObject* kept = nullptr;

bool is_running(const PyGreenlet* greenlet) noexcept {
  PyGreenlet* const current = PyGreenlet_GetCurrent();
  Py_XDECREF(current);
  return current == greenlet;
}

PyObject* keep(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept {
  if (kept == nullptr) kept = PyList_New(0);
  PyObject* const one = kept == nullptr ? nullptr : PyTuple_Pack(3, handler, signalnum, frame);
  const bool done = one != nullptr && PyList_Append(kept, one) == 0;
  Py_XDECREF(one);
  return done ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace

bool hold_handlers() noexcept {
  if (holder != nullptr || place_of_caller(hub_state_with_loop()) != Place::kElsewhere) return false;
  holder = PyGreenlet_GetCurrent();
  if (holder == nullptr) PyErr_Clear();  // then it goes without
  return holder != nullptr;
}

PyObject* release_handlers() noexcept {
  if (holder != nullptr && is_running(holder)) {
    Py_CLEAR(holder);
    if (kept != nullptr) return std::exchange(kept, nullptr);
  }
  return PyList_New(0);
}

void forget_held_handlers() noexcept {
  holder = nullptr;  // nothing is destroyed: it is a child's first moment
  kept = nullptr;
}

bool has_kept_handlers(const PyGreenlet* greenlet) noexcept {
  return kept != nullptr && holder == greenlet && PyList_GET_SIZE(kept) > 0;
}

bool call_kept_handlers() noexcept {
  while (kept != nullptr && PyList_GET_SIZE(kept) > 0 && is_running(holder)) {
    PyObject* const one = Py_NewRef(PyList_GET_ITEM(kept, 0));
    PyObject* result = nullptr;
    if (PyList_SetSlice(kept, 0, 1, nullptr) == 0)
      result = call_signal_handler(PyTuple_GET_ITEM(one, 0), PyTuple_GET_ITEM(one, 1), PyTuple_GET_ITEM(one, 2));
    Py_DECREF(one);
    if (result == nullptr) return false;
    Py_DECREF(result);
  }
  return true;
}

bool call_handlers_in_wait() noexcept {
  if (!call_kept_handlers()) return false;
  const HandlersInWait handlers;
  return PyErr_CheckSignals() == 0;
}

HandlersInWait::HandlersInWait() noexcept : holder_(std::exchange(holder, nullptr)) {}

HandlersInWait::~HandlersInWait() { holder = holder_; }

PyObject* deliver_signal(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept {
  const HubState* const hub = hub_state_with_loop();
  const Place place = place_of_caller(hub);
  if (place == Place::kElsewhere && holder != nullptr && is_running(holder)) return keep(handler, signalnum, frame);
  if (place == Place::kElsewhere) return without_result(call_signal_handler(handler, signalnum, frame));
  return interrupt_main(*hub, place == Place::kHub, handler, signalnum, frame);
}

PyObject* raise_in_main_greenlet() noexcept {
  const HubState* const hub = hub_state_with_loop();
  if (hub == nullptr) return nullptr;  // it is gone by now, and the caller must do
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  PyObject* const done = PyObject_CallMethod(reinterpret_cast<PyObject*>(hub->greenlet), "handle_system_error", "OOO",
                                             type, value, traceback == nullptr ? Py_None : traceback);
  Py_DECREF(type);
  Py_DECREF(value);
  Py_XDECREF(traceback);
  return without_result(done);
}

}  // namespace gevent
