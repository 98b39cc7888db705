#include "python/object/thrown.h"

#include "python/object/greenlet_api.h"

namespace gevent {
namespace {

// Borrowed; None where there are fewer.
PyObject* argument(PyObject* throw_args, Py_ssize_t index) noexcept {
  return index < PyTuple_GET_SIZE(throw_args) ? PyTuple_GET_ITEM(throw_args, index) : Py_None;
}

PyObject* made_of(PyObject* kind, PyObject* value) noexcept {
  if (value == Py_None) return PyObject_CallNoArgs(kind);
  if (PyTuple_Check(value)) return PyObject_CallObject(kind, value);
  return PyObject_CallOneArg(kind, value);
}

PyObject* type_error(const char* format, PyObject* culprit) noexcept {
  PyObject* const message = PyUnicode_FromFormat(format, Py_TYPE(culprit)->tp_name);
  if (message == nullptr) return nullptr;
  PyObject* const error = PyObject_CallOneArg(PyExc_TypeError, message);
  Py_DECREF(message);
  return error;
}

PyObject* instance_of(PyObject* kind, PyObject* value) noexcept {
  if (PyExceptionInstance_Check(kind)) return Py_NewRef(kind);
  if (PyExceptionInstance_Check(value)) return Py_NewRef(value);
  if (!PyExceptionClass_Check(kind)) return type_error("exceptions must be classes, or instances, not %s", kind);
  PyObject* const made = made_of(kind, value);
  if (made == nullptr || PyExceptionInstance_Check(made)) return made;
  PyObject* const error = type_error("an exception's class made an instance of %s", made);
  Py_DECREF(made);
  return error;
}

}  // namespace

PyObject* exception_of(PyObject* throw_args) noexcept {
  PyObject* const kind = PyTuple_GET_SIZE(throw_args) == 0 ? greenlet_exit() : argument(throw_args, 0);
  PyObject* const error = instance_of(kind, argument(throw_args, 1));
  PyObject* const traceback = argument(throw_args, 2);
  if (error != nullptr && traceback != Py_None && PyException_SetTraceback(error, traceback) < 0) {
    Py_DECREF(error);
    return nullptr;
  }
  return error;
}

}  // namespace gevent
