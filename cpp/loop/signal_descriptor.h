// Signals as something to read, where the system has that; and what they do to system calls.
#pragma once
#include <csignal>

#ifdef __linux__
#include <sys/signalfd.h>
#else
#include <cerrno>
#endif

namespace gevent {

// A new descriptor that is readable while one of the blocked `signals` is pending; -1 + errno, ENOSYS where there is no
// such thing.
[[nodiscard]] inline int open_signal_descriptor(const sigset_t& signals) noexcept {
#ifdef __linux__
  return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
#else
  static_cast<void>(signals);
  errno = ENOSYS;
  return -1;
#endif
}

// Whether calls that the signal interrupts go on by themselves.
[[nodiscard]] inline bool restarts_calls(int signalnum) noexcept {
  struct sigaction now = {};
  return ::sigaction(signalnum, nullptr, &now) == 0 && (now.sa_flags & SA_RESTART) != 0;
}

}  // namespace gevent
