// fork() for a child that starts over.
#pragma once
#include <Python.h>
#include <sys/types.h>

namespace gevent {

// As os.fork(), but in the child `abandon_hub` is called before anything else happens: what others have registered for
// forks runs after that, and if it lets other greenlets run, there are none. `abandon_hub` must not run bytecode,
// because the GIL is not repaired yet; if it fails, the child says so and ends with status 1. Returns -1 with OSError
// in the parent.
pid_t clean_fork(PyObject* abandon_hub) noexcept;

}  // namespace gevent
