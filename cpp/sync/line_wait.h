// One stay in a Line, round after round: the ticket, how long it may last, and who may go to the front.
//
//     wait.enter(line, limit_s);
//     for (;;) {
//       park at wait.place() for wait.left();  // python/wait/line_parking.h
//       wait.arrive();
//       if (there is something to take) ...
//     }
#pragma once
#include <utility>

#include "base/time_left.h"
#include "sync/line.h"

namespace gevent {

// Lives where its waiter keeps its own variables: nobody else knows it, only its ticket is known to the line.
class LineWait {
 public:
  LineWait() noexcept = default;
  LineWait(const LineWait&) = delete;
  LineWait& operator=(const LineWait&) = delete;
  ~LineWait() { leave(); }

  // Takes a ticket: see Line::enter(). The limit begins now; negative: none. Requires: not in a line yet.
  // `line` must stay as long as the waiter does.
  void enter(Line& line, double limit_s, void* item = nullptr, bool takes = true) noexcept {
    line_ = &line;
    ticket_ = line.enter(item, takes);
    left_ = TimeLeft(limit_s);
  }

  // Awake, for whatever reason. From now on its place is at the front, for who was woken and found nothing has waited
  // longest.
  void arrive() noexcept {
    line_->arrive(*ticket_);
    again_ = true;
  }

  // Gives the ticket back; again does nothing. What was woken for it must be offered to the others: Line::offer().
  void leave() noexcept {
    if (ticket_ != nullptr) line_->leave(*std::exchange(ticket_, nullptr));
  }

  [[nodiscard]] Line& line() const noexcept { return *line_; }
  [[nodiscard]] Ticket* ticket() const noexcept { return ticket_; }
  [[nodiscard]] bool goes_first() const noexcept { return again_; }
  // How long the next round may last, in seconds; negative: no limit.
  [[nodiscard]] double left() const noexcept { return again_ ? left_.seconds() : left_.limit(); }

 private:
  Line* line_ = nullptr;
  Ticket* ticket_ = nullptr;
  TimeLeft left_;
  bool again_ = false;
};

}  // namespace gevent
