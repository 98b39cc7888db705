#include "python/hub/fork_reset.h"

#include <vector>

#include "base/made_at_load.h"
#include "python/hub/bound_greenlets.h"
#include "python/hub/loop_client.h"
#include "python/object/greenlet_api.h"

namespace gevent {
namespace {
PyGreenlet* home = nullptr;
const MadeAtLoad<std::vector<void (*)() noexcept>> to_call;
}  // namespace

void call_when_abandoned(void (*function)() noexcept) { to_call().push_back(function); }

int abandon_hub_after_fork() noexcept {
  HubState* old = hub_state();
  PyGreenlet* current = PyGreenlet_GetCurrent();
  if (current == nullptr) return -1;
  // Those of other threads, too: these are not here, and one of the loops is the process's default one.
  PythonLoop::abandon_all();
  forget_bound_greenlets();
  for (auto* const function : to_call()) function();
  if (old != nullptr) {
    Py_INCREF(old->greenlet);  // kept for ever, see the header
    if (current == old->greenlet) {
      PyErr_SetString(PyExc_RuntimeError, "the hub itself cannot start over in a forked child: fork from a greenlet");
      Py_DECREF(current);
      return -1;
    }
    enter_hub_state(nullptr);
  }
  // current.parent was the old hub (or a chain that ends there). The main greenlet is never a child of anybody.
  PyGreenlet* main = current;
  Py_INCREF(main);
  while (!PyGreenlet_MAIN(main)) {
    PyGreenlet* parent = PyGreenlet_GetParent(main);
    Py_DECREF(main);
    if (parent == nullptr) {
      Py_DECREF(current);
      PyErr_SetString(PyExc_RuntimeError, "a forked child's greenlet has no main greenlet above it");
      return -1;
    }
    main = parent;
  }
  int outcome = 0;
  if (main != current) outcome = PyGreenlet_SetParent(current, main);
  Py_DECREF(main);
  Py_XDECREF(home);
  home = current;  // keeps the reference
  return outcome;
}

PyGreenlet* home_greenlet() noexcept { return home; }

}  // namespace gevent
