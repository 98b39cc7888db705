#include "python/hub/thread_end.h"

#include <Python.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#else
#include <pthread.h>
#endif

#include <cstdlib>
#include <exception>

namespace gevent {

namespace {

std::terminate_handler terminate_before = nullptr;

bool in_main_thread() noexcept {
#ifdef __linux__
  return ::syscall(SYS_gettid) == ::getpid();
#else
  return ::pthread_main_np() != 0;
#endif
}

[[noreturn]] void terminate_or_sleep() noexcept {
  // This thread has no GIL, which it was about to ask for: nobody waits for it.
  while (interpreter_exits() && !in_main_thread()) ::pause();
  terminate_before();
  std::abort();
}

}  // namespace

bool interpreter_exits() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

void sleep_instead_of_terminating_at_exit() noexcept {
  if (terminate_before != nullptr) return;
  terminate_before = std::set_terminate(&terminate_or_sleep);
}

}  // namespace gevent
