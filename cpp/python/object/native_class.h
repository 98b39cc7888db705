// What a native class is asked for without a call of Python's.
#pragma once
#include <Python.h>

namespace gevent {

// cls.__new__(cls). New reference; nullptr + exception.
inline PyObject* new_instance(PyObject* cls) noexcept {
  static PyObject* const no_arguments = PyTuple_New(0);
  auto* const type = reinterpret_cast<PyTypeObject*>(cls);
  return type->tp_new(type, no_arguments, nullptr);
}

// The method of a native base as one of `cls`'s own, which Python's interpreter has a shorter way to. New reference;
// nullptr + exception. Requires: `method` is a method descriptor.
inline PyObject* method_of(PyObject* cls, PyObject* method) noexcept {
  return PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(cls),
                           reinterpret_cast<PyMethodDescrObject*>(method)->d_method);
}

}  // namespace gevent
