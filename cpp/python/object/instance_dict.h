// The slot in which an instance keeps its dictionary, for a class that puts another one there.
#pragma once
#include <Python.h>

namespace gevent {

// Subclasses inherit the slot with the type. Requires, as all here: the class, or its base, has one of its own
// (`cdef dict __dict__`), rather than one that the interpreter manages.
inline PyObject** dict_slot(PyObject* object) noexcept {
  return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + Py_TYPE(object)->tp_dictoffset);
}

// New reference.
inline PyObject* dict_in_place(PyObject* object) noexcept { return Py_NewRef(*dict_slot(object)); }

// Borrows `values`.
inline void put_dict(PyObject* object, PyObject* values) noexcept {
  PyObject** const slot = dict_slot(object);
  PyObject* const old = *slot;
  *slot = Py_NewRef(values);
  Py_XDECREF(old);
}

// Before deallocation, which would empty a dictionary that somebody may still hold.
inline void drop_dict(PyObject* object) noexcept { Py_CLEAR(*dict_slot(object)); }

}  // namespace gevent
