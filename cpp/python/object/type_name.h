// The names of native classes.
#pragma once
#include <Python.h>

namespace gevent {

// Makes a class say that it is `name`, "module.Class", where users find it: in representations and tracebacks. The text
// must live as long as the class, which is a static one, as Cython makes them.
inline void publish(PyObject* type, const char* name) noexcept {
  reinterpret_cast<PyTypeObject*>(type)->tp_name = name;
}

}  // namespace gevent
