#include "python/hub/hub_state.h"

#include "python/hub/bound_greenlets.h"
#include "python/hub/thread_end.h"
#include "python/object/greenlet_api.h"
#include "python/wait/parking.h"

namespace gevent {

void** greenlet_api = nullptr;
constinit thread_local HubState* current_hub_state GEVENT_STATIC_TLS = nullptr;

namespace {

PyObject* hub_factory = nullptr;
PyObject* no_arguments = nullptr;
PyGreenlet* main_greenlet = nullptr;  // of the thread that imported this

int remember_main_greenlet() noexcept {
  PyGreenlet* greenlet = PyGreenlet_GetCurrent();
  while (greenlet != nullptr) {
    PyGreenlet* parent = PyGreenlet_GetParent(greenlet);
    if (parent == nullptr) break;
    Py_SETREF(greenlet, parent);
  }
  main_greenlet = greenlet;
  return greenlet == nullptr ? -1 : 0;
}

}  // namespace

int import_greenlet_api() noexcept {
  if (greenlet_api != nullptr) return 0;
  if (no_arguments == nullptr && (no_arguments = PyTuple_New(0)) == nullptr) return -1;
  greenlet_api = static_cast<void**>(PyCapsule_Import("greenlet._C_API", 0));
  return greenlet_api == nullptr ? -1 : remember_main_greenlet();
}

bool in_hub() noexcept {
  if (current_hub_state == nullptr) return false;
  PyObject* running = current_greenlet();
  Py_XDECREF(running);
  return running == reinterpret_cast<PyObject*>(current_hub_state->greenlet);
}

void set_hub_factory(PyObject* callable) noexcept { hub_factory = callable; }

HubState* require_hub_state() noexcept {
  HubState* state = hub_state_with_loop();
  if (state != nullptr) [[likely]]
    return state;
  if (hub_state() == nullptr) {
    if (hub_factory == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "gevent has no hub class yet: import gevent.hub first");
      return nullptr;
    }
    PyObject* hub = PyObject_CallNoArgs(hub_factory);
    if (hub == nullptr) return nullptr;
    Py_DECREF(hub);
    state = hub_state_with_loop();
  }
  if (state == nullptr) {
    PyErr_SetString(PyExc_RuntimeError,
                    "this thread's hub has no event loop: it was destroyed, and nothing can wait in it");
    return nullptr;
  }
  return state;
}

PyObject* switch_to(PyGreenlet* target, PyObject* value) noexcept { return switch_to_with(target, value, nullptr); }

PyObject* switch_to_with(PyGreenlet* target, PyObject* args, PyObject* kwargs) noexcept {
  if (is_left_behind(target)) [[unlikely]]
    return Py_NewRef(Py_None);
  return PyGreenlet_Switch(target, args, kwargs);
}

PyObject* throw_into(PyGreenlet* target, PyObject* type, PyObject* value, PyObject* traceback) noexcept {
  if (is_left_behind(target)) [[unlikely]]
    return Py_NewRef(Py_None);
  return PyGreenlet_Throw(target, type, value, traceback);
}

PyObject* current_greenlet() noexcept {
  PyGreenlet* running = PyGreenlet_GetCurrent();
  if (running == nullptr && interpreter_exits()) [[unlikely]] {
    PyErr_Clear();
    running = main_greenlet;
    Py_INCREF(running);
  }
  return reinterpret_cast<PyObject*>(running);
}
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
  HubState* state = current_hub_state;
  if (state == nullptr && (state = require_hub_state()) == nullptr) return nullptr;
  return Py_NewRef(reinterpret_cast<PyObject*>(state->greenlet));
}

PyObject* current_hub_if_exists() noexcept {
  HubState* state = current_hub_state;
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

namespace {

constexpr int kLongestChain = 100;  // somebody may have made a ring of exceptions

// Appends `original` to the exceptions during whose handling `error` was raised, unless it is one of them.
void add_context(PyObject* error, PyObject* original) noexcept {
  PyObject* last = error;  // borrowed from the one before
  for (int length = 0; last != original && length < kLongestChain; ++length) {
    PyObject* const next = PyException_GetContext(last);
    Py_XDECREF(next);
    if (next == nullptr) return PyException_SetContext(last, Py_NewRef(original));
    last = next;
  }
}

// sys.unraisablehook shows one exception only: those before it, the first one first, are shown one by one.
void show_all(PyObject* error, PyObject* subject, int length = 0) noexcept {
  PyObject* const before = length < kLongestChain ? PyException_GetContext(error) : nullptr;
  if (before != nullptr) show_all(before, subject, length + 1);
  Py_XDECREF(before);
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(error))), Py_NewRef(error),
                PyException_GetTraceback(error));
  PyErr_WriteUnraisable(subject);
}

void end_loop_of_current_hub() noexcept {
  PyObject* hub = current_greenlet();
  PyObject* done = hub == nullptr ? nullptr : PyObject_CallMethod(hub, "_end_loop", nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(hub);
  Py_XDECREF(done);
  Py_XDECREF(hub);
}

}  // namespace

void report_failed_handler(PyObject* context, PyObject* original) noexcept {
  if (in_hub() && PyErr_ExceptionMatches(greenlet_exit())) {
    // Not the handler's: the hub was told to end while it was in there, waiting for the main greenlet.
    PyErr_Clear();
    return end_loop_of_current_hub();
  }
  PyObject *type = nullptr, *error = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  if (type == nullptr) return;
  PyErr_NormalizeException(&type, &error, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(error, traceback);
  if (original != nullptr && PyExceptionInstance_Check(original)) add_context(error, original);
  const bool stops_program = PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt) != 0 ||
                             PyErr_GivenExceptionMatches(type, PyExc_SystemExit) != 0;
  PyObject* const hub = stops_program ? current_hub_if_exists() : nullptr;
  PyObject* passed_on = nullptr;
  if (hub == nullptr) {
    show_all(error, context);
  } else {
    PyObject* const before = PyException_GetContext(error);
    if (before != nullptr) show_all(before, context);
    Py_XDECREF(before);
    passed_on =
        PyObject_CallMethod(hub, "handle_system_error", "OOO", type, error, traceback == nullptr ? Py_None : traceback);
    if (passed_on == nullptr) PyErr_WriteUnraisable(hub);
  }
  Py_XDECREF(passed_on);
  Py_XDECREF(hub);
  Py_DECREF(type);
  Py_DECREF(error);
  Py_XDECREF(traceback);
}

void report_exception(PyObject* hub, PyObject* context) noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (type == nullptr) return;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  HubState* state = current_hub_state;
  if (hub == nullptr && state != nullptr) hub = reinterpret_cast<PyObject*>(state->greenlet);
  PyObject* done = nullptr;
  if (hub != nullptr) {
    done = PyObject_CallMethod(hub, "handle_error", "OOOO", context == nullptr ? Py_None : context, type,
                               value == nullptr ? Py_None : value, traceback == nullptr ? Py_None : traceback);
    if (done == nullptr) report_failed_handler(context, value);
  } else {
    PyErr_Restore(Py_NewRef(type), Py_XNewRef(value), Py_XNewRef(traceback));
    PyErr_WriteUnraisable(context);
  }
  Py_XDECREF(done);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
}

namespace {

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
