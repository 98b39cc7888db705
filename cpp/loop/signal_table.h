// Who has which signal of this process.
#pragma once
#include <csignal>

namespace gevent {

class Loop;

// A signal's handler belongs to the process. libev lets one loop have it (it stops the process when a second one asks),
// and both engines leave the default action behind when they are done. This table, one for the loops of all engines,
// says who has a signal, and gives it back to whoever had it before. Guarded by the lock of all loops.
class SignalTable {
 public:
  // One more watcher of `loop` wants `signum`; false when another loop has it. Call before the engine takes it over.
  static bool acquire(const Loop& loop, int signum) noexcept;
  // The engine has installed its handler.
  static void installed(int signum) noexcept;
  // One watcher less; when it was the last, `uninstall()` lets the engine remove its handler, and what was there
  // before is put back, unless somebody else has installed something meanwhile: that stays.
  template <typename Uninstall>
  static void release(int signum, Uninstall uninstall) noexcept {
    const struct sigaction afterwards = to_leave_behind(signum);
    uninstall();
    forget_one(signum, afterwards);
  }

  // The highest signal number + 1.
  static constexpr int kEnd = NSIG;

 private:
  static struct sigaction to_leave_behind(int signum) noexcept;
  static void forget_one(int signum, const struct sigaction& afterwards) noexcept;
};

}  // namespace gevent
