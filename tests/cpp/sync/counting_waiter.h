// A waiter that only counts its wake-ups, for tests.
#pragma once
#include "sync/line.h"

namespace gevent {

class CountingWaiter final : public Waiter {
 public:
  CountingWaiter() = default;
  explicit CountingWaiter(void* its_cookie) { cookie = its_cookie; }
  void wake() noexcept override { ++woken; }
  bool take_back() noexcept override {
    if (!gives_back) return false;
    --woken;
    return true;
  }
  [[nodiscard]] bool stale() const noexcept override { return is_stale; }

  int woken = 0;
  bool is_stale = false;
  bool gives_back = false;  // as one that has not run yet
};

// One who waits in a Line as a parked greenlet does: with a ticket, again and again.
class LineWaiter {
 public:
  explicit LineWaiter(Line& line, void* item = nullptr, bool takes = true)
      : line_(line), ticket(line.enter(item, takes)), waiter(ticket) {
    line_.queue.enqueue(waiter);
  }
  ~LineWaiter() {
    if (ticket != nullptr) leave();
  }
  void arrive() { line_.arrive(*ticket); }
  void again() { line_.queue.enqueue_first(waiter); }
  void leave() {
    waiter.unlink();
    line_.leave(*ticket);
    ticket = nullptr;
  }
  [[nodiscard]] int woken() const { return waiter.woken; }

 private:
  Line& line_;

 public:
  Ticket* ticket;
  CountingWaiter waiter;
};

}  // namespace gevent
