#include "python/hub_state.h"

#include "python/greenlet_api.h"
#include "python/parking.h"

namespace gevent {

void** greenlet_api = nullptr;

namespace {

thread_local HubState* current_state = nullptr;
PyObject* hub_factory = nullptr;
PyObject* no_arguments = nullptr;

}  // namespace

int import_greenlet_api() noexcept {
  if (greenlet_api != nullptr) return 0;
  if (no_arguments == nullptr && (no_arguments = PyTuple_New(0)) == nullptr) return -1;
  greenlet_api = static_cast<void**>(PyCapsule_Import("greenlet._C_API", 0));
  return greenlet_api == nullptr ? -1 : 0;
}

HubState* hub_state() noexcept { return current_state; }
void enter_hub_state(HubState* state) noexcept { current_state = state; }
bool in_hub() noexcept {
  if (current_state == nullptr) return false;
  PyGreenlet* running = PyGreenlet_GetCurrent();
  Py_XDECREF(running);
  return running == current_state->greenlet;
}

void set_hub_factory(PyObject* callable) noexcept { hub_factory = callable; }

HubState* require_hub_state() noexcept {
  HubState* state = current_state;
  if (state != nullptr && state->loop != nullptr) [[likely]]
    return state;
  if (state == nullptr) {
    if (hub_factory == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "gevent has no hub class yet: import gevent.hub first");
      return nullptr;
    }
    PyObject* hub = PyObject_CallNoArgs(hub_factory);
    if (hub == nullptr) return nullptr;
    Py_DECREF(hub);
    state = current_state;
  }
  if (state == nullptr || state->loop == nullptr) {
    PyErr_SetString(PyExc_RuntimeError,
                    "this thread's hub has no event loop: it was destroyed, and nothing can wait in it");
    return nullptr;
  }
  return state;
}

PyObject* switch_to(PyGreenlet* target, PyObject* value) noexcept { return PyGreenlet_Switch(target, value, nullptr); }

PyObject* switch_to_with(PyGreenlet* target, PyObject* args, PyObject* kwargs) noexcept {
  return PyGreenlet_Switch(target, args, kwargs);
}

PyObject* throw_into(PyGreenlet* target, PyObject* type, PyObject* value, PyObject* traceback) noexcept {
  return PyGreenlet_Throw(target, type, value, traceback);
}

PyObject* current_greenlet() noexcept { return reinterpret_cast<PyObject*>(PyGreenlet_GetCurrent()); }
int set_parent(PyGreenlet* child, PyGreenlet* parent) noexcept { return PyGreenlet_SetParent(child, parent); }
bool is_started(PyGreenlet* greenlet) noexcept { return PyGreenlet_STARTED(greenlet) != 0; }
bool is_active(PyGreenlet* greenlet) noexcept { return PyGreenlet_ACTIVE(greenlet) != 0; }

PyObject* gevent_exception(const char* name) noexcept {
  static PyObject* exceptions = nullptr;
  // May be asked for while an exception is set, to compare with that one; an import would lose it.
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (exceptions == nullptr) exceptions = PyImport_ImportModule("gevent.exceptions");
  PyObject* found = exceptions == nullptr ? nullptr : PyObject_GetAttrString(exceptions, name);
  if (found == nullptr) {
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return nullptr;
  }
  PyErr_Restore(type, value, traceback);
  Py_DECREF(found);  // the module keeps it
  return found;
}

PyObject* current_hub() noexcept {
  HubState* state = current_state;
  if (state == nullptr && (state = require_hub_state()) == nullptr) return nullptr;
  return Py_NewRef(reinterpret_cast<PyObject*>(state->greenlet));
}

PyObject* current_hub_if_exists() noexcept {
  HubState* state = current_state;
  return state == nullptr ? nullptr : Py_NewRef(reinterpret_cast<PyObject*>(state->greenlet));
}

Loop* current_loop() noexcept {
  HubState* state = require_hub_state();
  return state == nullptr ? nullptr : state->loop;
}

Loop* loop_of(PyObject* loop_object) noexcept {
  PyObject* capsule = PyObject_GetAttrString(loop_object, "_core");
  if (capsule == nullptr) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError, "%.200s is not a gevent loop: use gevent.get_hub().loop or gevent.core.loop()",
                 Py_TYPE(loop_object)->tp_name);
    return nullptr;
  }
  void* core = PyCapsule_GetPointer(capsule, "gevent.Loop");
  Py_DECREF(capsule);
  return static_cast<Loop*>(core);
}

void report_exception(PyObject* hub, PyObject* context) noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  HubState* state = current_state;
  if (hub == nullptr && state != nullptr) hub = reinterpret_cast<PyObject*>(state->greenlet);
  PyObject* done = nullptr;
  if (hub != nullptr) {
    done = PyObject_CallMethod(hub, "handle_error", "OOOO", context == nullptr ? Py_None : context, type,
                               value == nullptr ? Py_None : value, traceback == nullptr ? Py_None : traceback);
  } else {
    PyErr_Restore(Py_NewRef(type), Py_XNewRef(value), Py_XNewRef(traceback));
  }
  if (done == nullptr) PyErr_WriteUnraisable(context);
  Py_XDECREF(done);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
}

namespace {

void end_loop_of_current_hub() noexcept {
  PyObject* hub = current_greenlet();
  PyObject* done = hub == nullptr ? nullptr : PyObject_CallMethod(hub, "_end_loop", nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(hub);
  Py_XDECREF(done);
  Py_XDECREF(hub);
}

void run_call(void* target, void* argument) noexcept {
  auto* callable = static_cast<PyObject*>(target);
  auto* given = static_cast<PyObject*>(argument);
  PyObject* result = given == nullptr ? PyObject_CallNoArgs(callable) : PyObject_CallOneArg(callable, given);
  if (result == nullptr) report_exception(nullptr, callable);
  Py_XDECREF(result);
  Py_DECREF(callable);
  Py_XDECREF(given);
}

}  // namespace

void report_failed_switch(PyGreenlet* greenlet) noexcept {
  if (PyErr_ExceptionMatches(greenlet_exit())) {
    PyErr_Clear();
    end_loop_of_current_hub();
  } else {
    report_exception(nullptr, reinterpret_cast<PyObject*>(greenlet));
  }
}

void call_soon(Loop& loop, PyObject* callable, PyObject* argument) noexcept {
  loop.ready.push({&run_call, Py_NewRef(callable), Py_XNewRef(argument)});
  loop.wake_up_if_blocked();
}

}  // namespace gevent
