// greenlet's C API, through one table for this whole library. For .cc files here; see import_greenlet_api().
#pragma once
#include "python/object/greenlet_object.h"

#ifdef PyGreenlet_Switch
#error "include python/object/greenlet_api.h before anything that includes greenlet/greenlet.h by itself"
#endif

namespace gevent {

// Filled by import_greenlet_api(). The numbers are greenlet.h's.
extern void** greenlet_api;

template <typename Function>
Function greenlet_function(int number) noexcept {
  return reinterpret_cast<Function>(greenlet_api[number]);
}

inline PyTypeObject* greenlet_type() noexcept { return static_cast<PyTypeObject*>(greenlet_api[0]); }
inline PyObject* greenlet_exit() noexcept { return static_cast<PyObject*>(greenlet_api[2]); }

inline PyGreenlet* PyGreenlet_GetCurrent() noexcept { return greenlet_function<PyGreenlet* (*)()>(4)(); }

inline PyObject* PyGreenlet_Throw(PyGreenlet* target, PyObject* type, PyObject* value, PyObject* traceback) noexcept {
  return greenlet_function<PyObject* (*)(PyGreenlet*, PyObject*, PyObject*, PyObject*)>(5)(target, type, value,
                                                                                           traceback);
}

inline PyObject* PyGreenlet_Switch(PyGreenlet* target, PyObject* args, PyObject* kwargs) noexcept {
  return greenlet_function<PyObject* (*)(PyGreenlet*, PyObject*, PyObject*)>(6)(target, args, kwargs);
}

inline int PyGreenlet_SetParent(PyGreenlet* child, PyGreenlet* parent) noexcept {
  return greenlet_function<int (*)(PyGreenlet*, PyGreenlet*)>(7)(child, parent);
}

inline int PyGreenlet_MAIN(PyGreenlet* greenlet) noexcept {
  return greenlet_function<int (*)(PyGreenlet*)>(8)(greenlet);
}
inline int PyGreenlet_STARTED(PyGreenlet* greenlet) noexcept {
  return greenlet_function<int (*)(PyGreenlet*)>(9)(greenlet);
}
inline int PyGreenlet_ACTIVE(PyGreenlet* greenlet) noexcept {
  return greenlet_function<int (*)(PyGreenlet*)>(10)(greenlet);
}
inline PyGreenlet* PyGreenlet_GetParent(PyGreenlet* greenlet) noexcept {
  return greenlet_function<PyGreenlet* (*)(PyGreenlet*)>(11)(greenlet);
}

}  // namespace gevent
