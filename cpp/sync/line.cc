#include "sync/line.h"

namespace gevent {
namespace {

// Guarded by the lock that guards all lines (the GIL). As long as the most that ever waited at once.
Ticket* free_tickets = nullptr;

}  // namespace

Ticket* Line::enter(void* item, bool takes) noexcept {
  Ticket* ticket = free_tickets;
  if (ticket != nullptr) {
    free_tickets = ticket->next_free_;
  } else {
    ticket = new Ticket;
  }
  ticket->item = item;
  ticket->served = false;
  ticket->takes = takes;
  return ticket;
}

void Line::arrive(Ticket& ticket) noexcept { forget(ticket); }

void Line::forget(Ticket& ticket) noexcept {
  ticket.waiter_ = nullptr;
  if (!ticket.linked()) return;
  ticket.unlink();
  --on_their_way_count_;
}

void Line::leave(Ticket& ticket) noexcept {
  arrive(ticket);
  ticket.item = nullptr;
  ticket.next_free_ = free_tickets;
  free_tickets = &ticket;
}

void Line::offer(std::int64_t available) noexcept {
  notice_losses();
  while (true) {
    queue.drop_stale();
    Waiter* first = queue.front();
    if (first == nullptr || on_their_way_count_ >= available) return;
    send(*first);
  }
}

void Line::wake_all() noexcept {
  notice_losses();
  while (true) {
    queue.drop_stale();
    Waiter* first = queue.front();
    if (first == nullptr) return;
    send(*first);
  }
}

void Line::send(Waiter& first) noexcept {
  if (auto* ticket = static_cast<Ticket*>(first.cookie); ticket != nullptr && ticket->takes) {
    ticket->waiter_ = &first;
    on_their_way_.push_back(*ticket);
    ++on_their_way_count_;
  }
  queue.wake_one();
}

void Line::take_back(std::int64_t available) noexcept {
  notice_losses();
  while (on_their_way_count_ > available) {
    Ticket* last = on_their_way_.back();
    if (!last->waiter_->take_back()) return;
    queue.enqueue_first(*last->waiter_);
    arrive(*last);
  }
}

Ticket* Line::first_on_its_way() noexcept {
  notice_losses();
  return on_their_way_.front();
}

Ticket* Line::serve_first() noexcept {
  queue.drop_stale();
  Waiter* const first = queue.front();
  if (first == nullptr) return nullptr;
  auto* const ticket = static_cast<Ticket*>(first->cookie);
  ticket->served = true;
  queue.wake_one();
  return ticket;
}

std::int64_t Line::waiting() noexcept {
  std::int64_t count = 0;
  for (Waiter* waiter = queue.front(); waiter != nullptr; waiter = queue.after(*waiter)) ++count;
  return count;
}

// Some of those on their way may never arrive, after a fork or in a loop that was closed. Forgetting all of them costs
// the others at most a wake-up for nothing.
void Line::notice_losses() noexcept {
  if (losses_ == Losses::count()) [[likely]]
    return;
  losses_ = Losses::count();
  while (on_their_way_.pop_front() != nullptr) {
  }
  on_their_way_count_ = 0;
}

}  // namespace gevent
