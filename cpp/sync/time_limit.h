// A time that somebody starts, that is over by itself or ended before, and may be closed for good: a Timeout, apart
// from what it raises and in whom.
#pragma once
#include <optional>

#include "sync/alarm.h"

namespace gevent {

// A member of whatever it belongs to; never on a C stack. Used on one loop's thread at a time.
class TimeLimit {
 public:
  // What start() does, and why it does not.
  enum class Start { kBegins, kNeverOver, kPending, kClosed };

  // Anew: open, and never over until set_length(). `ref` and `priority` are those of watchers. `one_shot`: closed for
  // good by its first end, whichever that is.
  void set_up(bool ref, int priority, bool one_shot) noexcept {
    ref_ = ref;
    priority_ = priority;
    one_shot_ = one_shot;
    closed_ = false;
  }

  // How long it lasts from the next start(); nothing: it is never over. A negative length is none at all.
  void set_length(std::optional<double> seconds) noexcept { length_s_ = seconds; }

  // What start() would do; `pending_elsewhere`: somebody else's timer stands in for ours, and runs.
  [[nodiscard]] Start may_start(bool pending_elsewhere = false) const noexcept {
    if (pending_elsewhere || pending()) return Start::kPending;
    if (!length_s_) return Start::kNeverOver;
    return closed_ ? Start::kClosed : Start::kBegins;
  }

  // Begins now, on `loop`, if may_start() says so: `ring` is called once, on the loop's thread, when the time is over,
  // and has to call rang() then.
  Start start(Loop& loop, Watcher::Callback ring, void* owner) noexcept {
    const Start answer = may_start();
    if (answer == Start::kBegins) alarm_.set(loop, length_s(), priority_, ref_, ring, owner);
    return answer;
  }

  // It does not ring; it may be started again.
  void stop() noexcept { alarm_.cancel(); }

  // It does not ring, and is not started again.
  void close() noexcept {
    stop();
    closed_ = true;
  }

  // The time is over: returns whether for good.
  bool rang() noexcept {
    stop();
    closed_ |= one_shot_;
    return one_shot_;
  }

  [[nodiscard]] bool pending() const noexcept { return alarm_.pending(); }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] bool one_shot() const noexcept { return one_shot_; }
  [[nodiscard]] bool ref() const noexcept { return ref_; }
  [[nodiscard]] int priority() const noexcept { return priority_; }
  // Requires: may_start() is kBegins.
  [[nodiscard]] double length_s() const noexcept { return *length_s_ > 0 ? *length_s_ : 0.0; }

 private:
  Alarm alarm_;
  std::optional<double> length_s_;
  int priority_ = 0;
  bool ref_ = true;
  bool one_shot_ = false;
  bool closed_ = false;
};

}  // namespace gevent
