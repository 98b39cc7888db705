// What is thrown into a greenlet, as an exception.
#pragma once
#include <Python.h>

namespace gevent {

// The instance that greenlet.throw() with these arguments, a tuple, would raise: of (), a GreenletExit; of (instance,),
// that one; of (class, value, traceback), what Python makes of them. What cannot be raised is a TypeError that says so.
// New reference; nullptr + exception where the class makes none.
PyObject* exception_of(PyObject* throw_args) noexcept;

}  // namespace gevent
