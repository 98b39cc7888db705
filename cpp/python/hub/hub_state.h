// The C++ side of a hub: what parking must know of it without asking Python.
#pragma once
#include <Python.h>

#include "base/static_tls.h"
#include "loop/loop.h"
#include "python/object/greenlet_object.h"

namespace gevent {

// Lives in its hub object. One per thread is current; see enter_hub_state().
struct HubState {
  PyGreenlet* greenlet = nullptr;  // the hub itself, borrowed; for the bindings: hub()
  Loop* loop = nullptr;            // nullptr before the hub has one and after it was destroyed
  // hub.loop is an object that stands in front of `loop` and wants to see what is asked of it (tests do that): whoever
  // would otherwise go to `loop` directly calls its methods.
  bool loop_stands_in = false;
  // How many want every switch to pass through the hub (tracers, monitors): no direct hand-over while > 0.
  int hub_passes = 0;

  [[nodiscard]] PyObject* hub() const noexcept { return reinterpret_cast<PyObject*>(greenlet); }
  void set_hub(PyObject* hub) noexcept { greenlet = reinterpret_cast<PyGreenlet*>(hub); }
};

// Imports greenlet's C API into this library. Called once, by the bindings' import; -1 + exception on failure.
int import_greenlet_api() noexcept;

// The calling thread's current hub, or nullptr. The pointer is borrowed from the hub object, which the bindings keep
// alive for the thread.
extern constinit thread_local HubState* current_hub_state GEVENT_STATIC_TLS;
inline HubState* hub_state() noexcept { return current_hub_state; }
// The same, but nullptr also where it has no loop: nothing can wait in it, and nothing runs there.
inline HubState* hub_state_with_loop() noexcept {
  HubState* const state = current_hub_state;
  return state != nullptr && state->loop != nullptr ? state : nullptr;
}
inline void enter_hub_state(HubState* state) noexcept { current_hub_state = state; }

// Whether the caller is a hub: in a callback of the loop, where nobody may wait.
bool in_hub() noexcept;
// Whether nobody else of this thread could run while the caller waits: it is a hub, or there is none with a loop.
inline bool in_hub_or_without() noexcept { return hub_state_with_loop() == nullptr || in_hub(); }

// Registers the Python callable that makes (or finds) the calling thread's hub; borrowed for the process's life.
void set_hub_factory(PyObject* callable) noexcept;

// The calling thread's hub with a loop, made if need be; nullptr + exception otherwise.
HubState* require_hub_state() noexcept;

// Switches to `target`; `value`, a tuple, arrives there as greenlet.switch(*value) would deliver it. greenlet's C API
// is private to this library, so that everybody else needs no capsule of their own. New reference, or nullptr +
// exception.
PyObject* switch_to(PyGreenlet* target, PyObject* value) noexcept;
PyObject* switch_to_with(PyGreenlet* target, PyObject* args, PyObject* kwargs) noexcept;
PyObject* throw_into(PyGreenlet* target, PyObject* type, PyObject* value, PyObject* traceback) noexcept;
// New reference, or nullptr + exception. Once the interpreter exits greenlet itself does not know any more; finalizers
// that tell greenlets apart (a lock's owner, get_ident()) find the main one, which is the one that runs them.
PyObject* current_greenlet() noexcept;
// The same, borrowed: who runs is kept by greenlet itself. nullptr, and no exception, where greenlet does not answer.
inline PyObject* running_greenlet() noexcept {
  PyObject* const running = current_greenlet();
  Py_XDECREF(running);
  if (running == nullptr) PyErr_Clear();
  return running;
}
// And for those who need somebody: where greenlet does not answer there is one caller left, who is Ellipsis then.
inline PyObject* whoever_calls() noexcept {
  PyObject* const running = running_greenlet();
  return Py_NewRef(running != nullptr ? running : Py_Ellipsis);
}
int set_parent(PyGreenlet* child, PyGreenlet* parent) noexcept;
bool is_started(PyGreenlet* greenlet) noexcept;
bool is_active(PyGreenlet* greenlet) noexcept;  // started and not finished

// For a switch from the hub that came back with an exception: whatever left a greenlet nobody else was above is
// reported; a GreenletExit (hub.destroy() throws one) is for the hub itself and ends its loop. Clears the exception.
void report_failed_switch(PyGreenlet* greenlet) noexcept;

// Somebody's handle_error has failed, with the exception that is set now, while it was to deal with `original` (an
// instance). Shows both through sys.unraisablehook, so that none is lost; one that must stop the program goes on to the
// main greenlet, unless there is no hub. Clears the exception. Borrows everything.
void report_failed_handler(PyObject* context, PyObject* original) noexcept;

// gevent's exception classes, by name, from gevent.exceptions (borrowed); nullptr + exception on failure. Leaves an
// exception that is set already as it is.
PyObject* gevent_exception(const char* name) noexcept;

}  // namespace gevent
