// What another thread ends a sleeping loop's sleep with.
#pragma once
#include <atomic>
#include <optional>

#include "base/kernel.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "loop/kernel_queue.h"

namespace gevent {

// A descriptor that is readable from ring() to hear(). Rings are not counted: however many came, one hear() takes them.
//
// Three kinds, of which the best that the kernel has is taken: an eventfd; a kqueue with EVFILT_USER in it; the two
// ends of a pipe. GEVENT_WAKEUP=eventfd|kqueue|pipe in the environment chooses another, for tests.
//
// A child of fork() shares the parent's eventfd or pipe, and has no kqueue: it calls reset() before anything else.
class Wakeup {
 public:
  enum class Kind { kEventfd, kKqueue, kPipe };

  [[nodiscard]] static bool available(Kind kind) noexcept;
  // EINVAL when GEVENT_WAKEUP names none that is available here.
  [[nodiscard]] static Result<Kind> preferred() noexcept;

  // Opens it, instead of what it had; a pipe where an eventfd is refused (a sandbox). Fails with the system's error,
  // and then is what it was before.
  Result<void> open(Kind kind) noexcept;
  // In a child of fork(): the same kind, shared with nobody, and under the same numbers, even if somebody has closed
  // these: an engine that is about to make its own descriptors anew may be sure of them. What was rung and not heard is
  // rung anew. Fails with the system's error, and then is what it was before.
  Result<void> reset() noexcept;
  void close() noexcept;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  // As GEVENT_WAKEUP has it. Static text.
  [[nodiscard]] const char* name() const noexcept;
  [[nodiscard]] int fd() const noexcept;

  // Any thread, or a signal handler. Keeps errno. Never waits. What the caller wrote before it, the listener sees after
  // the hear() that takes this ring. Requires: open.
  void ring() noexcept;

  // The listener's thread. When nobody has rung this costs one system call, and does nothing.
  void hear() noexcept;

 private:
  void trigger() const noexcept;
  void take() const noexcept;

  Kind kind_ = Kind::kPipe;
  OwnedFd listen_;
  OwnedFd write_end_;  // of a pipe
#ifdef GEVENT_HAVE_KQUEUE
  std::optional<KernelQueue> queue_;
#endif
  // The descriptor is readable, or about to be: saves the system calls of all rings but the first. Taken back by hear()
  // when the descriptor has been emptied, not before: a ring in between writes nothing, and its caller is seen because
  // both sides exchange this value.
  std::atomic<bool> rung_ = false;
};

}  // namespace gevent
