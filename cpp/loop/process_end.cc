#include "loop/process_end.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#ifdef GEVENT_HAVE_KQUEUE
#include <sys/event.h>
#endif
#ifdef GEVENT_HAVE_PIDFD
#include <sys/syscall.h>
#ifndef SYS_pidfd_open
#undef GEVENT_HAVE_PIDFD
#endif
#endif

namespace gevent {

#ifdef GEVENT_HAVE_PIDFD
namespace {

int reap_by_pidfd(int pidfd, int pid) noexcept {
  constexpr auto kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which older C libraries do not name
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(kByPidfd, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    // EINVAL: Linux 5.3 has pidfds that cannot be waited for. As long as it is unreaped the number is still its own.
    return errno == EINVAL ? ProcessEnd::reap(pid) : 0;
  }
  if (info.si_pid == 0) return ProcessEnd::kStillRunning;
  switch (info.si_code) {
    case CLD_EXITED:
      return (info.si_status & 0xff) << 8;
    case CLD_DUMPED:
      return info.si_status | 0x80;
    default:
      return info.si_status;
  }
}

}  // namespace
#endif

Result<ProcessEnd> ProcessEnd::open(int pid) noexcept {
  if (!allowed) return Error(ENOSYS, "pidfd_open");
#if defined(GEVENT_HAVE_PIDFD)
  OwnedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return Error::from_errno("pidfd_open");
  return ProcessEnd(pid, std::move(pidfd));
#elif defined(GEVENT_HAVE_KQUEUE) && !defined(GEVENT_KQUEUE)
  Result<KernelQueue> queue = KernelQueue::create();
  if (!queue) return queue.error();
  const Result<void> added =
      queue.value().change(static_cast<std::uintptr_t>(pid), EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT);
  if (!added) return added.error();
  ProcessEnd end(pid, OwnedFd());
  end.queue_.emplace(std::move(queue).value());
  return end;
#else
  // libkqueue has EVFILT_PROC, but its kqueue is the end of a pipe, which poll() does not find ready when a child ends.
  static_cast<void>(pid);
  return Error(ENOSYS, "pidfd_open");
#endif
}

int ProcessEnd::fd() const noexcept {
#ifdef GEVENT_HAVE_KQUEUE
  if (queue_.has_value()) return queue_->fd();
#endif
  return pidfd_.get();
}

int ProcessEnd::reap() const noexcept {
#ifdef GEVENT_HAVE_PIDFD
  if (pidfd_.valid()) return reap_by_pidfd(pidfd_.get(), pid_);
#endif
  return reap(pid_);
}

int ProcessEnd::reap(int pid) noexcept {
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(pid, &status, WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return kStillRunning;
  return reaped == pid ? status : 0;
}

}  // namespace gevent
