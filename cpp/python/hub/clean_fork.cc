#include "python/hub/clean_fork.h"

#include <unistd.h>

#include <cerrno>

#include "python/hub/bound_greenlets.h"

namespace gevent {
namespace {

// The child must not go on as a second copy of its parent.
[[noreturn]] void die_of_error() noexcept {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);  // or no hook would run
  PyOS_AfterFork_Child();
  PyErr_Restore(type, value, traceback);
  PyErr_Print();
  ::_exit(1);
}

}  // namespace

pid_t clean_fork(PyObject* abandon_hub) noexcept {
  PyOS_BeforeFork();
  const pid_t pid = [] {
    const CleanForkScope clean;
    return ::fork();
  }();
  const int error = errno;
  if (pid == 0) {
    // No garbage collection either, which may run anything.
    const int collected = PyGC_Disable();
    PyObject* done = PyObject_CallNoArgs(abandon_hub);
    Py_XDECREF(done);
    if (collected == 1) PyGC_Enable();
    if (done == nullptr) die_of_error();
    PyOS_AfterFork_Child();
  } else {
    PyOS_AfterFork_Parent();
  }
  if (pid < 0) {
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
  }
  return pid;
}

}  // namespace gevent
