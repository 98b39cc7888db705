// What a queue decides: who may put in or take out, who goes on when somebody has done so, and when a wait is over.
#pragma once
#include <cstdint>

#include "sync/line.h"

namespace gevent {

// The items are elsewhere, in a deque, a list, a heap: here is only how many there are, which the caller says. Callers
// take turns (the bindings hold the GIL).
class Stock {
 public:
  static constexpr std::int64_t kUnlimited = std::int64_t{1} << 60;  // more than any queue holds

  // Where to park: with a ticket that takes something, or, in `joiners`, without.
  Line getters;
  Line putters;
  WaitQueue joiners;

  [[nodiscard]] std::int64_t limit() const noexcept { return limit_; }
  [[nodiscard]] bool limited() const noexcept { return limit_ != kUnlimited; }
  void set_limit(std::int64_t limit) noexcept { limit_ = limit < kUnlimited ? limit : kUnlimited; }
  [[nodiscard]] bool has_room(std::int64_t size) const noexcept { return size < limit_; }

  // ---- what somebody has done who came by ----

  // An item was put in, and now there are `size`. May be left out when it tells_of_put() is false.
  void note_put(std::int64_t size) noexcept {
    if (limited()) putters.retract(limit_ - size);
    tell_getters(size);
  }
  [[nodiscard]] bool tells_of_put() const noexcept { return limited() || !getters.empty(); }

  // An item was taken out, and now there are `size`.
  void note_taken(std::int64_t size) noexcept {
    getters.retract(size);
    tell_putters(size);
  }

  // Also for those who leave a line, and for conditions that a program notifies.
  void tell_getters(std::int64_t size) noexcept {
    if (!getters.empty()) getters.offer(size);
  }
  void tell_putters(std::int64_t size) noexcept {
    if (!putters.empty()) putters.offer(limit_ - size);
  }

  // ---- what somebody does next who is awake after a wait ----

  enum class Next { kWait, kServed, kGo, kShutDown, kTimeOver };

  // `woken`: not because time is over.
  [[nodiscard]] Next next_of_putter(const Ticket& ticket, std::int64_t size, bool woken) const noexcept {
    if (ticket.served) return Next::kServed;
    if (shut_down_) return Next::kShutDown;
    if (has_room(size)) return Next::kGo;
    return woken ? Next::kWait : Next::kTimeOver;
  }
  [[nodiscard]] Next next_of_getter(const Ticket& ticket, std::int64_t size, bool woken) const noexcept {
    if (ticket.served) return Next::kServed;
    if (size > 0) return Next::kGo;
    if (shut_down_) return Next::kShutDown;
    return woken ? Next::kWait : Next::kTimeOver;
  }

  // ---- where nobody may wait ----

  // One on its way whose item may be put in for it, or who may be given one; nullptr when there is none. The caller
  // does that, and says so by Line::serve().
  [[nodiscard]] Ticket* putter_to_serve() noexcept { return shut_down_ ? nullptr : putters.first_on_its_way(); }
  [[nodiscard]] Ticket* getter_to_serve() noexcept { return getters.first_on_its_way(); }

  // ---- the end ----

  [[nodiscard]] bool is_shut_down() const noexcept { return shut_down_; }
  void shut_down() noexcept { shut_down_ = true; }
  void wake_all() noexcept {
    getters.wake_all();
    putters.wake_all();
  }

  // ---- the work on items that were taken out ----

  [[nodiscard]] std::int64_t unfinished() const noexcept { return unfinished_; }
  void set_unfinished(std::int64_t count) noexcept { unfinished_ = count; }
  void begin_work() noexcept { ++unfinished_; }
  // Returns whether none is left; then joiners are woken.
  bool finish_work(std::int64_t count) noexcept {
    unfinished_ = unfinished_ > count ? unfinished_ - count : 0;
    if (unfinished_ == 0) joiners.wake_all();
    return unfinished_ == 0;
  }

 private:
  std::int64_t limit_ = kUnlimited;
  std::int64_t unfinished_ = 0;
  bool shut_down_ = false;
};

}  // namespace gevent
