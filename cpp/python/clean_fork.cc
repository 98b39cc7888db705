#include "python/clean_fork.h"

#include <unistd.h>

#include <cerrno>

namespace gevent {

pid_t clean_fork(PyObject* abandon_hub) noexcept {
  PyOS_BeforeFork();
  const pid_t pid = ::fork();
  const int error = errno;
  if (pid == 0) {
    // No garbage collection either, which may run anything.
    const int collected = PyGC_Disable();
    PyObject* done = PyObject_CallNoArgs(abandon_hub);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
    if (collected == 1) PyGC_Enable();
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
