// Events that have happened, and whose callbacks are still to come.
#pragma once
#include <array>
#include <cstddef>
#include <vector>

#include "loop/libuv/watcher_state.h"

namespace gevent {

// Called in the order that libev has, so that a program sees no difference between the engines: higher priorities
// first; within one priority what was added last comes first. An event that comes again before its callback is added
// to it.
class PendingEvents {
 public:
  void add(Watcher& watcher, int revents) noexcept;
  void remove(Watcher& watcher) noexcept;

  // Makes all calls, also those for what callbacks add, as long as `go_on()`. Returns whether there were any.
  template <typename GoOn>
  bool call_all(GoOn go_on) noexcept {
    bool called = false;
    for (std::size_t level = top_ = kLevels; level > 0;) {
      std::vector<Event>& events = levels_[level - 1];
      if (events.empty()) {
        --level;
        continue;
      }
      const Event event = events.back();
      events.pop_back();
      if (event.watcher == nullptr) continue;
      --count_;
      state_of(*event.watcher).pending = 0;
      called = true;
      top_ = 0;
      event.watcher->callback(*event.watcher, event.revents);
      if (!go_on()) break;
      if (top_ > level) level = top_;
    }
    return called;
  }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  // Whether there is one of this priority or above.
  [[nodiscard]] bool any_from(int priority) const noexcept;

 private:
  struct Event {
    Watcher* watcher;  // nullptr: removed
    int revents;
  };
  static constexpr int kLowest = -2;
  static constexpr std::size_t kLevels = 5;
  static std::size_t level_of(const Watcher& watcher) noexcept {
    return static_cast<std::size_t>(watcher.priority() - kLowest);
  }

  std::array<std::vector<Event>, kLevels> levels_;
  std::size_t count_ = 0;
  std::size_t top_ = 0;  // above the highest level that something was added to since the last call
};

}  // namespace gevent
