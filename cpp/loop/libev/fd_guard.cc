#include "loop/libev/fd_guard.h"

#include <fcntl.h>

#include <cerrno>

#include "loop/watcher.h"

namespace gevent {

void FdGuard::started(int fd, int events, bool fresh) noexcept {
  State& state = state_of(fd);
  if (events & kRead) ++state.readers;
  if (events & kWrite) ++state.writers;
  state.fresh |= fresh;
  change(fd, state);
}

void FdGuard::stopped(int fd, int events) noexcept {
  State& state = state_of(fd);
  if (events & kRead) --state.readers;
  if (events & kWrite) --state.writers;
  change(fd, state);
}

void FdGuard::all_changed() noexcept {
  for (std::size_t i = 0; i != states_.size(); ++i) {
    if (states_[i].wanted() == 0) continue;
    states_[i].fresh = true;
    change(static_cast<int>(i), states_[i]);
  }
}

bool FdGuard::is_open(int fd) noexcept { return ::fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }

FdGuard::State& FdGuard::state_of(int fd) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= states_.size()) states_.resize(index < 64 ? 64 : index * 2);
  return states_[index];
}

void FdGuard::change(int fd, State& state) noexcept {
  if (state.changed) return;
  state.changed = true;
  changed_.push_back(fd);
}

}  // namespace gevent
