// collections.deque, called directly: a queue's items are in one because users look at it, and mutate it.
#pragma once
#include <Python.h>

namespace gevent {

// The methods of deque as C functions, without attribute lookups and argument tuples; by name should a Python have
// none.
class DequeCalls {
 public:
  // Returns 0, or -1 with an exception. Once, before the others.
  static int find() noexcept;

  static bool is_deque(PyObject* object) noexcept { return Py_TYPE(object) == type_; }

  // Require: is_deque(deque). New references, nullptr with an exception.
  static Py_ssize_t size(PyObject* deque) noexcept { return type_->tp_as_sequence->sq_length(deque); }
  static PyObject* append(PyObject* deque, PyObject* item) noexcept {
    return append_ != nullptr ? append_(deque, item) : PyObject_CallMethod(deque, "append", "O", item);
  }
  static PyObject* popleft(PyObject* deque) noexcept {
    return popleft_ != nullptr ? popleft_(deque, nullptr) : PyObject_CallMethod(deque, "popleft", nullptr);
  }

 private:
  static inline PyTypeObject* type_ = nullptr;
  static inline PyCFunction append_ = nullptr;
  static inline PyCFunction popleft_ = nullptr;

  static PyCFunction method(const char* name, int flags) noexcept;
};

inline PyCFunction DequeCalls::method(const char* name, int flags) noexcept {
  PyObject* found = PyObject_GetAttrString(reinterpret_cast<PyObject*>(type_), name);
  PyCFunction function = nullptr;
  if (found != nullptr && Py_IS_TYPE(found, &PyMethodDescr_Type)) {
    const PyMethodDef* definition = reinterpret_cast<PyMethodDescrObject*>(found)->d_method;
    if (definition->ml_flags == flags) function = definition->ml_meth;
  }
  Py_XDECREF(found);  // the type keeps it
  return function;
}

inline int DequeCalls::find() noexcept {
  PyObject* module = PyImport_ImportModule("collections");
  PyObject* type = module == nullptr ? nullptr : PyObject_GetAttrString(module, "deque");
  Py_XDECREF(module);
  if (type == nullptr) return -1;
  type_ = reinterpret_cast<PyTypeObject*>(type);
  append_ = method("append", METH_O);
  popleft_ = method("popleft", METH_NOARGS);
  PyErr_Clear();
  return 0;
}

}  // namespace gevent
