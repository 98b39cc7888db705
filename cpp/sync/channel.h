// Where an item goes from the hands of a putter into those of a getter.
#pragma once
#include <cstdint>

#include "sync/line_wait.h"

namespace gevent {

// A getter takes from the first putter in line, who then has done what it came for; a putter that comes first tells the
// first getter, and waits until it has taken. Who may not wait leaves the item on the counter.
//
// Items are void*: what is in line belongs to its putter, who keeps it as long as it stands there; what is on the
// counter is kept by the caller, in order. Callers take turns (the bindings hold the GIL).
class Channel {
 public:
  Line getters;
  Line putters;

  // A putter's stay in line, with `item`: parks between the two, any number of times. end_put() returns whether a
  // getter has taken the item.
  void begin_put(LineWait& wait, double limit_s, void* item) noexcept {
    wait.enter(putters, limit_s, item);
    ++putting_;
    tell_getters();
  }
  bool end_put(LineWait& wait) noexcept {
    const bool taken = wait.ticket()->served;
    if (!taken) --putting_;
    wait.leave();
    return taken;
  }

  // A getter's. `who` is for those who look who waits.
  void begin_get(LineWait& wait, double limit_s, void* who) noexcept { wait.enter(getters, limit_s, who); }
  void end_get(LineWait& wait) noexcept {
    wait.leave();
    tell_getters();  // it may have been woken for something that it did not take
  }

  // An item lies on the counter now. Requires: a getter in line for it.
  void note_left() noexcept {
    ++left_;
    tell_getters();
  }

  enum class From { kNobody, kCounter, kPutter };

  // Takes what there is: one from the counter, the oldest, which the caller removes; or `item` from the putter who has
  // waited longest. Never waits.
  From take(void*& item) noexcept {
    if (left_ > 0) {
      --left_;
      return From::kCounter;
    }
    Ticket* const ticket = putters.serve_first();
    if (ticket == nullptr) return From::kNobody;
    item = ticket->item;
    --putting_;
    return From::kPutter;
  }

  // How many more putters than getters wait.
  [[nodiscard]] std::int64_t balance() noexcept { return putters.waiting() - getters.waiting(); }

 private:
  void tell_getters() noexcept {
    if (!getters.empty()) getters.offer(putting_ + left_);
  }

  std::int64_t putting_ = 0;  // putters in line whose item nobody has taken
  std::int64_t left_ = 0;     // on the counter
};

}  // namespace gevent
