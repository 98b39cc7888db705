// Tuples of two.
#pragma once
#include <Python.h>

namespace gevent {

// A new tuple of both, whose references it takes over in any case. nullptr + exception if there is no memory, or if one
// is missing, whose exception is set.
inline PyObject* pair_of(PyObject* first, PyObject* second) noexcept {
  PyObject* const pair = first == nullptr || second == nullptr ? nullptr : PyTuple_New(2);
  if (pair == nullptr) {
    Py_XDECREF(first);
    Py_XDECREF(second);
    return nullptr;
  }
  PyTuple_SET_ITEM(pair, 0, first);
  PyTuple_SET_ITEM(pair, 1, second);
  return pair;
}

}  // namespace gevent
