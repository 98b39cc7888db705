// Waiting for the end of any process, without reaping it.
#pragma once
#include <Python.h>

namespace gevent {

enum class ProcessWait {
  kFailed = -1,  // a Python exception is set
  kTimedOut = 0,
  kEnded = 1,       // or there is no such process; a child may not be reapable for another moment
  kCannotTell = 2,  // this kernel does not tell, or no descriptor is left: the caller has to look
};

// Waits, letting other greenlets run, at most `timeout_s` seconds (negative: no limit; 0: only looks).
ProcessWait wait_for_process(int pid, double timeout_s) noexcept;

}  // namespace gevent
