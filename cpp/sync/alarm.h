// A timer that exists only while it is set.
#pragma once
#include <optional>

#include "loop/loop.h"

namespace gevent {

// A member of whatever wants to be told later; lives where that lives, never on a C stack. Costs no loop and no watcher
// until it is set, and may be set on another loop each time.
class Alarm {
 public:
  // Calls `ring` once, on the loop's thread, `after_s` seconds from now (not from when the loop last looked at its
  // clock). `priority` and `ref` are those of watchers. Setting one that is pending replaces it.
  void set(Loop& loop, double after_s, int priority, bool ref, Watcher::Callback ring, void* owner) noexcept {
    loop.update_now();
    timer_.emplace(loop, after_s, 0.0, ring, owner);
    timer_->set_priority(priority);
    if (!ref) timer_->set_ref(false);
    timer_->start();
  }

  void cancel() noexcept { timer_.reset(); }

  // Set, and neither rung nor cancelled. A ring that found nobody has to cancel().
  [[nodiscard]] bool pending() const noexcept { return timer_.has_value(); }

 private:
  std::optional<Timer> timer_;
};

}  // namespace gevent
