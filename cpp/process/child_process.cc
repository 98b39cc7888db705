#include "process/child_process.h"

#include <sys/wait.h>

#include <cerrno>

namespace gevent {

void ChildProcess::watch(Loop& loop, bool ref) {
  if (ended_) return;
  if (Child* known = watcher_of(loop)) {
    known->set_ref(ref);
    return;
  }
  auto& watcher = watchers_.emplace_back(std::make_unique<Child>(loop, pid_, &ChildProcess::on_child, this));
  watcher->set_ref(ref);
  watcher->start();
}

bool ChildProcess::watched_by(const Loop& loop) const noexcept { return watcher_of(loop) != nullptr; }

Child* ChildProcess::watcher_of(const Loop& loop) const noexcept {
  for (const auto& watcher : watchers_) {
    if (watcher->loop() == &loop) return watcher.get();
  }
  return nullptr;
}

bool ChildProcess::poll() noexcept {
  if (ended_) return true;
  int status = 0;
  pid_t reaped;
  do {
    reaped = ::waitpid(pid_, &status, WNOHANG);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == 0) return false;
  // Below zero: somebody else reaped it, or SIGCHLD is ignored. It is gone all the same.
  reaped == pid_ ? end(status) : lose();
  return true;
}

void ChildProcess::lose() noexcept {
  if (ended_) return;
  lost_ = true;
  end(0);
}

void ChildProcess::end(int status) noexcept {
  if (ended_) return;
  ended_ = true;
  status_ = status;
  watchers_.clear();
  waiters.wake_all();
  on_end_(owner_);
}

void ChildProcess::on_child(Watcher& watcher, int) noexcept {
  const Child& child = static_cast<const Child&>(watcher);
  if (child.rpid == 0) return;  // fed by hand, not the end
  static_cast<ChildProcess*>(watcher.owner)->end(child.rstatus);
}

}  // namespace gevent
