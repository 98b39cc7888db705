#include "python/object/pair.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("pair: it has both, and their references are its own") {
  const Object first(value_of("object()"));
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(first));
  {
    const Object pair(pair_of(Py_NewRef(first), PyLong_FromLong(7)));
    PyDict_SetItemString(names(), "pair", pair);
    CHECK(holds("len(pair) == 2 and pair[1] == 7"));
    CHECK(Py_REFCNT(static_cast<PyObject*>(first)) == references + 1);
    run("del pair");
  }
  CHECK(Py_REFCNT(static_cast<PyObject*>(first)) == references);
}

TEST_CASE("pair: where one is missing the other is given back, and the exception stays") {
  const Object first(value_of("object()"));
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(first));
  PyErr_SetNone(PyExc_KeyError);
  CHECK(pair_of(Py_NewRef(first), nullptr) == nullptr);
  CHECK(pair_of(nullptr, Py_NewRef(first)) == nullptr);
  CHECK(raised(PyExc_KeyError));
  CHECK(Py_REFCNT(static_cast<PyObject*>(first)) == references);
}
