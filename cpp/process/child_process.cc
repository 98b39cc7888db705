#include "process/child_process.h"

#include <sys/wait.h>

#include <cerrno>

#include "loop/child_look.h"

namespace gevent {

void ChildProcess::watch(Loop& loop, bool ref) {
  if (ended_) return;
  if (Child* known = watcher_of(loop)) {
    known->set_ref(ref);
    return;
  }
  auto& watcher = watchers_.emplace_back(std::make_unique<Child>(loop, pid_, &ChildProcess::on_child, this));
  watcher->set_ref(ref);
  watcher->leaves_unreaped = true;
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
  const int status = look_at_child(pid_);
  if (status == kChildRuns) return false;
  // Is it gone all the same, because somebody else reaped it, or SIGCHLD is ignored?
  status == kNoSuchChild ? lose() : note_end(status);
  return true;
}

void ChildProcess::lose() noexcept {
  reaped_ = true;
  if (ended_) return;
  lost_ = true;
  note_end(0);
}

void ChildProcess::end(int status) noexcept {
  reaped_ = true;
  note_end(status);
}

void ChildProcess::note_end(int status) noexcept {
  if (ended_) return;
  ended_ = true;
  status_ = status;
  watchers_.clear();
  waiters.wake_all();
  on_end_(owner_);
}

void ChildProcess::reap() noexcept {
  if (!ended_ || reaped_) return;
  reaped_ = true;
  pid_t outcome;
  do {
    outcome = ::waitpid(pid_, nullptr, WNOHANG);
  } while (outcome < 0 && errno == EINTR);
}

void ChildProcess::on_child(Watcher& watcher, int) noexcept {
  if (static_cast<const Child&>(watcher).rpid == 0) return;  // fed by hand, not the end
  static_cast<ChildProcess*>(watcher.owner)->poll();
}

}  // namespace gevent
