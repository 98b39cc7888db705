// When a listener asks for another connection.
#pragma once

namespace gevent {

// An event tells of one connection. Whether there is a second one only another call of accept() tells, which makes a
// socket and throws it away where there is none: so when that was in vain several times in a row it is asked now and
// then only, until one is found again. The loop tells of those that were not asked for.
class AcceptHabit {
 public:
  // An event has told of a connection. Whether it is time to look at the mode of the descriptor, which others may have
  // changed.
  [[nodiscard]] bool begin() noexcept {
    asks_ = vain_ < kVainMax || events_ % kNowAndThen == 0;
    expected_ = true;
    accepted_ = 0;
    return events_++ % kNowAndThen == 0;
  }

  // Whether a connection is known to be there; once for each event.
  [[nodiscard]] bool take_expected() noexcept {
    const bool expected = expected_;
    expected_ = false;
    return expected;
  }

  // Whether another one is to be accepted; then tried() is told how that went.
  [[nodiscard]] bool goes_on(int accepted_max) const noexcept {
    return accepted_ < accepted_max && (accepted_ == 0 || asks_);
  }
  void tried(bool found_somebody) noexcept {
    if (!found_somebody) {
      vain_ += accepted_ == 1 ? 1 : 0;
      return;
    }
    if (accepted_ != 0) vain_ = 0;
    ++accepted_;
  }
  // Since begin().
  [[nodiscard]] int accepted() const noexcept { return accepted_; }

 private:
  static constexpr unsigned kVainMax = 8;
  static constexpr unsigned kNowAndThen = 16;
  unsigned events_ = 0;
  unsigned vain_ = 0;  // events in a row at which there was no second connection
  int accepted_ = 0;
  bool expected_ = false;
  bool asks_ = true;
};

}  // namespace gevent
