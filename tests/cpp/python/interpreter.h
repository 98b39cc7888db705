// An interpreter in the test program, with gevent imported, for the nouns of cpp/python.
#pragma once
#include <Python.h>
#include <doctest/doctest.h>

#include <string>

namespace gevent::testing {

// A reference that is given back.
class Object {
 public:
  Object(PyObject* stolen) noexcept : object_(stolen) {}  // NOLINT(google-explicit-constructor)
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() { Py_XDECREF(object_); }
  operator PyObject*() const noexcept { return object_; }  // NOLINT(google-explicit-constructor)

 private:
  PyObject* object_;
};

// Runs Python statements, in a namespace that all tests share; shows the exception and fails the test if there is one.
inline PyObject* names() {
  static PyObject* const made = [] {
    PyObject* dict = PyDict_New();
    PyDict_SetItemString(dict, "__builtins__", PyEval_GetBuiltins());
    return dict;
  }();
  return made;
}
inline void run(const char* statements) {
  const Object done = PyRun_String(statements, Py_file_input, names(), names());
  if (done == nullptr) PyErr_Print();
  REQUIRE(done != nullptr);
}
// New reference.
inline PyObject* value_of(const char* expression) {
  PyObject* value = PyRun_String(expression, Py_eval_input, names(), names());
  if (value == nullptr) PyErr_Print();
  REQUIRE(value != nullptr);
  return value;
}
inline bool holds(const char* expression) { return PyObject_IsTrue(Object(value_of(expression))) == 1; }

// Whether the exception that is set is of that built-in class; clears it.
inline bool raised(PyObject* type) {
  const bool it_is = PyErr_Occurred() != nullptr && PyErr_ExceptionMatches(type) != 0;
  PyErr_Clear();
  return it_is;
}

// Makes a C++ function without arguments callable as `name`. `call` returns a new reference, or nullptr + exception.
using Call = PyObject* (*)(PyObject*, PyObject*);
inline void define(const char* name, Call call) {
  auto* const method = new PyMethodDef{name, call, METH_NOARGS, nullptr};  // as long as the program
  const Object function = PyCFunction_New(method, nullptr);
  PyDict_SetItemString(names(), name, function);
}

}  // namespace gevent::testing
