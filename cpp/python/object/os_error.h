// OSError as the system says it.
#pragma once
#include <Python.h>

#include <cerrno>

namespace gevent {

// Sets OSError for `errno`. Returns -1, which says in most places that there is an exception.
inline int set_os_error() noexcept {
  PyErr_SetFromErrno(PyExc_OSError);
  return -1;
}

// The same for a descriptor that was closed while somebody used it.
inline int set_closed_error() noexcept {
  errno = EBADF;
  return set_os_error();
}

}  // namespace gevent
