// A loop whose time goes on when the test says so. It knows timers only.
#pragma once
#include <algorithm>
#include <vector>

#include "loop/loop.h"

namespace gevent::testing {

class ManualLoop final : public Loop {
 public:
  ~ManualLoop() { detach_watchers(); }

  // Lets `seconds` go by: calls what is due, the earliest first; of those due together, the highest priority first.
  void advance(double seconds) {
    const double end = now_ + seconds;
    for (Timer* next = earliest(end); next != nullptr; next = earliest(end)) {
      now_ = std::max(now_, due(*next));
      const double repeat_s = next->repeat_s();
      remove(*next);
      if (repeat_s > 0) add(*next, now_ + repeat_s);
      next->callback(*next, kTimerEvent);
    }
    now_ = end;
  }

  [[nodiscard]] std::size_t active_count() const { return started_.size(); }

  // ---- Loop ---------------------------------------------------------------------------------------------------
  void wake_up() noexcept override {}
  [[nodiscard]] double now() const noexcept override { return now_; }
  void update_now() noexcept override {}
  void reinit() noexcept override { set_rearmed(); }
  void hold() noexcept override {}
  void release() noexcept override {}
  [[nodiscard]] LoopFacts facts() const noexcept override { return {}; }
  void start(Watcher& watcher) noexcept override {
    if (!active(watcher)) add(watcher, now_ + static_cast<Timer&>(watcher).after_s());
  }
  void stop(Watcher& watcher) noexcept override { remove(watcher); }
  void feed(Watcher&, int) noexcept override {}
  [[nodiscard]] bool active(const Watcher& watcher) const noexcept override { return find(watcher) != nullptr; }
  [[nodiscard]] bool pending(const Watcher&) const noexcept override { return false; }
  void set_ref(Watcher&, bool) noexcept override {}
  void again(Timer& timer) noexcept override {
    remove(timer);
    add(timer, now_ + timer.repeat_s());
  }
  void send(Async&) noexcept override {}
  [[nodiscard]] bool sent(const Async&) const noexcept override { return false; }
  [[nodiscard]] double due(const Timer& timer) const noexcept override {
    const Entry* entry = find(timer);
    return entry == nullptr ? timer.after_s() : entry->due;
  }
  [[nodiscard]] bool watched(int) const noexcept override { return false; }

 protected:
  bool poll(bool) noexcept override { return !started_.empty(); }
  void close_engine() noexcept override { detach_watchers(); }

 private:
  struct Entry {
    Timer* timer;
    double due;
  };

  void add(Watcher& watcher, double due) { started_.push_back({&static_cast<Timer&>(watcher), due}); }
  void remove(const Watcher& watcher) {
    std::erase_if(started_, [&](const Entry& entry) { return entry.timer == &watcher; });
  }
  [[nodiscard]] const Entry* find(const Watcher& watcher) const {
    for (const Entry& entry : started_) {
      if (entry.timer == &watcher) return &entry;
    }
    return nullptr;
  }
  Timer* earliest(double end) {
    Entry* best = nullptr;
    for (Entry& entry : started_) {
      if (entry.due > end) continue;
      const bool earlier = best == nullptr || entry.due < best->due;
      const bool together = best != nullptr && entry.due == best->due;
      if (earlier || (together && entry.timer->priority() > best->timer->priority())) best = &entry;
    }
    return best == nullptr ? nullptr : best->timer;
  }

  double now_ = 1000;
  std::vector<Entry> started_;
};

}  // namespace gevent::testing
