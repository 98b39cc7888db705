// Whether a class is still what it was.
#pragma once
#include <Python.h>

namespace gevent {

// The number Python gives to a class as it is now: any change to it or to its bases takes that away. 0: it has none.
// What was found out about a class holds as long as it has the same number.
inline unsigned int version_of(const PyTypeObject* type) noexcept {
#if PY_VERSION_HEX < 0x030D0000
  if ((type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG) == 0) return 0;
#endif
  return type->tp_version_tag;
}
inline unsigned int version_of(PyObject* type) noexcept { return version_of(reinterpret_cast<PyTypeObject*>(type)); }

}  // namespace gevent
