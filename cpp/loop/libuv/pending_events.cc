#include "loop/libuv/pending_events.h"

#include <algorithm>

namespace gevent {

void PendingEvents::add(Watcher& watcher, int revents) noexcept {
  WatcherState& state = state_of(watcher);
  const std::size_t level = level_of(watcher);
  std::vector<Event>& events = levels_[level];
  if (state.pending != 0) {
    events[state.pending - 1].revents |= revents;
    return;
  }
  events.push_back({&watcher, revents});
  state.pending = static_cast<std::uint32_t>(events.size());
  ++count_;
  top_ = std::max(top_, level + 1);
}

void PendingEvents::remove(Watcher& watcher) noexcept {
  WatcherState& state = state_of(watcher);
  if (state.pending == 0) return;
  levels_[level_of(watcher)][state.pending - 1].watcher = nullptr;
  state.pending = 0;
  --count_;
}

bool PendingEvents::any_from(int priority) const noexcept {
  for (std::size_t level = static_cast<std::size_t>(priority - kLowest); level < kLevels; ++level) {
    const std::vector<Event>& events = levels_[level];
    if (std::any_of(events.begin(), events.end(), [](const Event& event) { return event.watcher != nullptr; })) {
      return true;
    }
  }
  return false;
}

}  // namespace gevent
