// The active watchers of one kind, such as all that want to hear of each poll.
#pragma once
#include <cstddef>
#include <vector>

#include "loop/libuv/watcher_state.h"

namespace gevent {

// In no particular order; adding and removing take the same time however many there are.
class WatcherList {
 public:
  void add(Watcher& watcher) noexcept {
    state_of(watcher).index = all_.size();
    all_.push_back(&watcher);
  }
  void remove(Watcher& watcher) noexcept {
    const std::size_t index = state_of(watcher).index;
    all_[index] = all_.back();
    state_of(*all_[index]).index = index;
    all_.pop_back();
  }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return all_.begin(); }
  [[nodiscard]] auto end() const noexcept { return all_.end(); }

 private:
  std::vector<Watcher*> all_;
};

}  // namespace gevent
