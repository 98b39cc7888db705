// A descriptor that becomes readable when a process ends.
#pragma once
#include <cstdint>
#include <optional>

#include "base/kernel.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "loop/kernel_queue.h"

namespace gevent {

// A pidfd, or a kqueue with EVFILT_PROC in it. Needs neither SIGCHLD nor the main thread, leaves other children alone,
// and is there for any process, child or not. Nothing is reaped before reap() is called.
//
// A pidfd names one process for good and goes on working in a child of fork(). A kqueue is not inherited: there fd() is
// a number that means nothing, and survives_fork() is false.
class ProcessEnd {
 public:
  // ENOSYS: this kernel does not tell. ESRCH: there is no such process. Where kqueues are, ESRCH is also said of one
  // that has ended and was not reaped yet, or is about to end: reap() tells more.
  static Result<ProcessEnd> open(int pid) noexcept;

  [[nodiscard]] int fd() const noexcept;
  [[nodiscard]] bool survives_fork() const noexcept { return pidfd_.valid(); }

  static constexpr int kStillRunning = -1;
  // What waitpid() would have given, 0 when there was nothing to reap: somebody else did, or it is no child of ours.
  // Never waits. A kqueue tells of an end a moment before the process can be reaped: then still kStillRunning.
  [[nodiscard]] int reap() const noexcept;
  // The same for a process that nothing is open for.
  [[nodiscard]] static int reap(int pid) noexcept;

  // Of those that there are, what open() may use; false for all: as on a kernel without. For tests.
  static inline bool allowed = true;

 private:
  ProcessEnd(int pid, OwnedFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}

  int pid_;
  OwnedFd pidfd_;
#ifdef GEVENT_HAVE_KQUEUE
  std::optional<KernelQueue> queue_;
#endif
};

}  // namespace gevent
