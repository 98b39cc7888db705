// A line in which the woken try again: for what is taken, be it units, items or places.
//
// Who is woken gets nothing handed over. What there is to take stays where it is until somebody takes it: a waiter that
// is killed, or times out, between its wake-up and its turn loses nothing, it only has to let the next one know
// (leave(), then offer() again). The price is that somebody who never waited may come first and take it; then the woken
// waiter goes back to the front of the line.
#pragma once
#include <cstdint>

#include "sync/waiter.h"

namespace gevent {

// What one waiter brings to a Line; it is the waiter's cookie. Lives in a pool, since a parked greenlet's stack is
// copied away. Whoever stands in the line without one (cookie == nullptr) takes nothing and only wants to be told.
class Ticket : public ListNode {
 public:
  void* item = nullptr;  // what the waiter brings, or was given while it was on its way
  bool served = false;   // somebody has done for the waiter what it came for: Line::serve()
  bool takes = true;     // false: it only looks, and leaves what there is to the next one

 private:
  friend class Line;
  Waiter* waiter_ = nullptr;  // while it is on its way
  Ticket* next_free_ = nullptr;
};

class Line {
 public:
  // Where to park: park_in(line.queue, timeout, line.enter(...)).
  WaitQueue queue;

  // A ticket for one who is going to wait here, for as many rounds as it takes. Ends with leave().
  [[nodiscard]] Ticket* enter(void* item = nullptr, bool takes = true) noexcept;

  // Says that the waiter is awake, for whatever reason: it tries now, and parks again (first in line) or leaves.
  void arrive(Ticket& ticket) noexcept;
  void leave(Ticket& ticket) noexcept;

  // Tells those in line that `available` units, items or places are there to be taken: wakes as many as that, less
  // those who are on their way already. Those who only look, or have no ticket, are woken in their turn, and count for
  // nothing.
  void offer(std::int64_t available) noexcept;

  // Somebody has taken what others were woken for, so that only `available` is left: those for whom there is nothing go
  // back to the front of the line, in their old order.
  void retract(std::int64_t available) noexcept {
    if (on_their_way_count_ > available) [[unlikely]]
      take_back(available);
  }

  // Everybody shall look again: the end of whatever there was to wait for.
  void wake_all() noexcept;

  // The first of those woken and not yet awake who takes something, or nullptr.
  [[nodiscard]] Ticket* first_on_its_way() noexcept;

  // Does for one on its way what it came for, so that it takes nothing when it arrives. Its item is the caller's
  // business.
  void serve(Ticket& ticket) noexcept {
    ticket.served = true;
    forget(ticket);
  }

  // The same for the first in line, who is woken by it: its ticket, or nullptr when nobody stands there. What it
  // brought stays its own. Requires: all who stand here have tickets.
  Ticket* serve_first() noexcept;

  [[nodiscard]] bool empty() const noexcept { return queue.empty(); }
  [[nodiscard]] std::int64_t waiting() noexcept;  // who stand in line now; counts them

 private:
  void notice_losses() noexcept;
  void forget(Ticket& ticket) noexcept;
  void send(Waiter& first) noexcept;
  void take_back(std::int64_t available) noexcept;

  // In the order of their wake-ups.
  IntrusiveList<Ticket> on_their_way_;
  std::int64_t on_their_way_count_ = 0;
  std::uint64_t losses_ = Losses::count();
};

}  // namespace gevent
