#include "python/object/class_as_written.h"

namespace gevent {

int ClassAsWritten::remember(PyObject* type, PyObject* names, PyObject* names_of_itself) noexcept {
  values_ = values_of(type, names);
  values_of_itself_ = values_of(type, names_of_itself);
  if (values_ == nullptr || values_of_itself_ == nullptr) return -1;
  type_ = Py_NewRef(type);
  names_ = Py_NewRef(names);
  names_of_itself_ = Py_NewRef(names_of_itself);
  return 0;
}

PyObject* ClassAsWritten::values_of(PyObject* type, PyObject* names) noexcept {
  PyObject* values = PyTuple_New(PyTuple_GET_SIZE(names));
  for (Py_ssize_t i = 0; values != nullptr && i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* value = PyObject_GetAttr(type, PyTuple_GET_ITEM(names, i));
    if (value == nullptr) {
      Py_CLEAR(values);
    } else {
      PyTuple_SET_ITEM(values, i, value);
    }
  }
  return values;
}

bool ClassAsWritten::same(PyObject* type, PyObject* names, PyObject* values) noexcept {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* value = PyObject_GetAttr(type, PyTuple_GET_ITEM(names, i));
    if (value == nullptr) PyErr_Clear();
    Py_XDECREF(value);
    if (value != PyTuple_GET_ITEM(values, i)) return false;
  }
  return true;
}

bool ClassAsWritten::look(PyObject* type) noexcept {
  // Looking is what gives a class without a number one.
  const bool holds = same(type, names_, values_);
  if (type != type_) {
    other_ = type;
    other_version_ = version_of(type);
    other_holds_ = holds;
    return holds;
  }
  if (!holds || !same(type, names_of_itself_, values_of_itself_)) return false;
  own_version_ = version_of(type);
  return true;
}

}  // namespace gevent
