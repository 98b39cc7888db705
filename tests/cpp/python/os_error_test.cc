#include "python/object/os_error.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// The errno of the OSError that is set, which is cleared.
long code_of_error() {
  REQUIRE(PyErr_ExceptionMatches(PyExc_OSError));
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const Object error(value);
  const Object code(PyObject_GetAttrString(error, "errno"));
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return PyLong_AsLong(code);
}

}  // namespace

TEST_CASE("os error: it is what the system said") {
  errno = ENOENT;
  CHECK(set_os_error() == -1);
  CHECK(PyErr_ExceptionMatches(PyExc_FileNotFoundError));
  CHECK(code_of_error() == ENOENT);
}

TEST_CASE("os error: a closed descriptor is a bad one, whatever the system said before") {
  errno = ENOENT;
  CHECK(set_closed_error() == -1);
  CHECK(code_of_error() == EBADF);
}
