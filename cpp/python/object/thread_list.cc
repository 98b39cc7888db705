#include "python/object/thread_list.h"

#include <array>

namespace gevent {
namespace {

enum Name { kActive, kLimbo, kMainThread, kDangling, kShutdownLocks, kExitCalls, kNames };

constexpr std::array<const char*, kNames> kTexts = {"_active",   "_limbo",          "_main_thread",
                                                    "_dangling", "_shutdown_locks", "_threading_atexits"};
// Made once: a string that is looked up by its text is one whose references are counted.
std::array<PyObject*, kNames> names;

bool is_empty_dict(PyObject* object) noexcept {
  return object != nullptr && PyDict_Check(object) && PyDict_Size(object) == 0;
}

}  // namespace

ThreadList::ThreadList(PyObject* module, PyObject* dangling, PyObject* references) noexcept
    : module_(module), dangling_(dangling), references_(references) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == nullptr) names[i] = PyUnicode_InternFromString(kTexts[i]);
  }
  PyErr_Clear();
}

PyObject* ThreadList::find(int name) const noexcept {
  PyObject* key = names[static_cast<std::size_t>(name)];
  PyObject* found = key == nullptr ? nullptr : PyDict_GetItemWithError(module_, key);
  if (found == nullptr) PyErr_Clear();
  return found;
}

bool ThreadList::is_only_main_thread(PyObject* current) const noexcept {
  PyObject* active = find(kActive);
  if (active == nullptr || !PyDict_Check(active) || PyDict_Size(active) != 1) return false;
  PyObject *ident, *thread;
  Py_ssize_t position = 0;
  if (PyDict_Next(active, &position, &ident, &thread) == 0 || thread != find(kMainThread)) return false;
  const void* known = PyLong_Check(ident) ? PyLong_AsVoidPtr(ident) : nullptr;
  if (known != current) {
    PyErr_Clear();
    return false;
  }
  PyObject* awaited = find(kShutdownLocks);
  if (awaited != nullptr && (!PySet_Check(awaited) || PySet_GET_SIZE(awaited) != 0)) return false;
  return is_empty_dict(find(kLimbo)) && find(kDangling) == dangling_ && PySet_Check(references_) &&
         PySet_GET_SIZE(references_) == 1;
}

bool ThreadList::has_exit_calls() const noexcept {
  PyObject* calls = find(kExitCalls);
  return calls == nullptr || !PyList_Check(calls) || PyList_GET_SIZE(calls) != 0;
}

bool ThreadList::has_locks_of_threads() const noexcept { return find(kShutdownLocks) != nullptr; }

}  // namespace gevent
