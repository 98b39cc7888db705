// How the end of a child process is seen.
//
// A pidfd names one process for good: its number cannot be reused under us, it becomes readable when the process ends,
// and waitid(P_PIDFD) reaps that process and no other. So a Child is an Io on a pidfd, and needs neither SIGCHLD nor
// the main thread. What it shares with every other way is that somebody else in this process may reap first (a
// waitpid(-1), SIGCHLD ignored): then the end is still seen, and only the status is lost.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "loop/child_look.h"
#include "loop/loop.h"
#include "loop/watcher.h"

namespace gevent {

namespace {

constexpr double kFallbackPeriod = 0.1;  // seconds, when not even SIGCHLD can be had

OwnedFd open_pidfd(int pid) noexcept {
#ifdef SYS_pidfd_open
  return OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
#else
  static_cast<void>(pid);
  errno = ENOSYS;
  return OwnedFd();
#endif
}

// -1: not over yet. Otherwise what waitpid() would have given, 0 when there was nothing to reap.
constexpr int kStillRunning = -1;

int reap_by_pid(int pid) noexcept {
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(pid, &status, WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return kStillRunning;
  return reaped == pid ? status : 0;
}

int reap_by_pidfd(int pidfd, int pid) noexcept {
#ifdef SYS_pidfd_open
  constexpr auto kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD, which older C libraries do not name
  siginfo_t info{};
  int result;
  do {
    result = ::waitid(kByPidfd, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    // EINVAL: Linux 5.3 has pidfds that cannot be waited for. As long as it is unreaped the number is still its own.
    return errno == EINVAL ? reap_by_pid(pid) : 0;
  }
  if (info.si_pid == 0) return kStillRunning;
  switch (info.si_code) {
    case CLD_EXITED:
      return (info.si_status & 0xff) << 8;
    case CLD_DUMPED:
      return info.si_status | 0x80;
    default:
      return info.si_status;
  }
#else
  static_cast<void>(pidfd);
  return reap_by_pid(pid);
#endif
}

int peek_by_pid(int pid) noexcept {
  const int status = look_at_child(pid);
  if (status == kChildRuns) return kStillRunning;
  return status == kNoSuchChild ? 0 : status;
}

}  // namespace

// What stands in for a pidfd. Only one of the two is ever active.
struct Child::Fallback {
  Fallback(Loop& loop, Child& child) noexcept
      : sigchld(loop, SIGCHLD, &Fallback::on_hint, &child),
        tick(loop, kFallbackPeriod, kFallbackPeriod, &Fallback::on_hint, &child) {}

  static void on_hint(Watcher& watcher, int) noexcept { static_cast<Child*>(watcher.owner)->look(); }

  Signal sigchld;
  Timer tick;
};

Child::Child(Loop& loop, int pid, Callback callback, void* owner) noexcept
    : Watcher(Kind::kChild, loop, callback, owner), pid(pid), exited_(loop, -1, kRead, &Child::on_exited, this) {}

Child::~Child() { stop(); }

void Child::begin() noexcept {
  if (active_) return;
  active_ = true;
  exited_.set_priority(priority());
  if (rpid != 0) return feed(kChildEvent);  // seen already; the number may be another process's by now
  if (pidfd_allowed) {
    pidfd_ = open_pidfd(pid);
    if (!pidfd_.valid() && errno == ESRCH) {
      rpid = pid;
      feed(kChildEvent);
      return;
    }
  }
  if (!pidfd_.valid()) return begin_fallback();
  exited_.set(pidfd_.get(), kRead);
  exited_.start();
}

void Child::begin_fallback() noexcept {
  fallback_ = std::make_unique<Fallback>(*loop(), *this);
  pass_on_ref();
  fallback_->sigchld.set_priority(priority());
  fallback_->sigchld.start();
  if (!fallback_->sigchld.active()) fallback_->tick.start();
  // It may have ended before anybody listened.
  const int status = leaves_unreaped ? peek_by_pid(pid) : reap_by_pid(pid);
  if (status == kStillRunning) return;
  rpid = pid;
  rstatus = status;
  feed(kChildEvent);
}

void Child::end() noexcept {
  exited_.forget();
  fallback_.reset();
  pidfd_.reset();
  active_ = false;
}

void Child::pass_on_ref() noexcept {
  exited_.set_ref(ref());
  if (fallback_ == nullptr) return;
  fallback_->sigchld.set_ref(ref());
  fallback_->tick.set_ref(ref());
}

void Child::look() noexcept {
  if (rpid == 0) {
    const int status = leaves_unreaped  ? peek_by_pid(pid)
                       : pidfd_.valid() ? reap_by_pidfd(pidfd_.get(), pid)
                                        : reap_by_pid(pid);
    if (status == kStillRunning) return;
    rpid = pid;
    rstatus = status;
  }
  report();
}

void Child::report() noexcept {
  end();
  callback(*this, kChildEvent);
}

void Child::on_exited(Watcher& exited, int revents) noexcept {
  Child& self = *static_cast<Child*>(exited.owner);
  if ((revents & kCustomEvent) == 0) return self.look();
  if (self.active_ && self.rpid != 0) return self.report();
  self.callback(self, revents & ~kCustomEvent);
}

}  // namespace gevent
