// Forked children of the test program, with the interpreter that it has.
#pragma once
#include <Python.h>

#include "ipc/children.h"

namespace gevent::testing {

// Runs `body` in a forked child, where what Python does after a fork is still to come: PyOS_AfterFork_Child(). Returns
// 0 if `body` returns true there; otherwise 1, or minus the signal that has ended the child, after 30 seconds at most.
template <typename Body>
int in_child(Body body) {
  Children children;
  PyOS_BeforeFork();
  // Nothing that is thrown leaves it: the child must not go on as a second copy of this program.
  children.start([&]() noexcept { return body() ? 0 : 1; });
  PyOS_AfterFork_Parent();
  return children.join();
}

}  // namespace gevent::testing
