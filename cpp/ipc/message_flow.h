// Whether the messages that one process takes come in a flow: one after another, faster than it pays to wait for each.
#pragma once
#include <algorithm>
#include <cstdint>

namespace gevent {

// Who waits for each message of a flow is woken for each, and waking costs the process that sends more than the message
// does. To pause instead, until several have come, costs nobody anything but a moment. Whether they do come is found by
// trying: after a pause that was followed by few messages, the next one is twice as long in coming.
//
// Belongs to one thread. Knows nothing of clocks.
class MessageFlow {
 public:
  // A message has come after a wait of so long.
  void waited(std::int64_t time_ns) noexcept {
    ++taken_;
    run_ = time_ns < kShortNs ? run_ + 1 : 0;
  }
  // A message was there.
  void found() noexcept { ++taken_; }
  // Whether it is better to look for a message before waiting for one.
  [[nodiscard]] bool flows() const noexcept { return run_ >= needed_; }
  // flows(), and no message is there: whether to pause now.
  [[nodiscard]] bool pays_to_pause() noexcept {
    if (paused_) {
      const bool paid = taken_ >= kEnough;
      needed_ = paid ? kNeededMin : std::min(2 * needed_, kNeededMax);
      if (!paid) run_ = 0;
    }
    paused_ = flows();
    taken_ = 0;
    return paused_;
  }

 private:
  static constexpr std::int64_t kShortNs = 50'000;
  static constexpr std::uint64_t kEnough = 4;
  static constexpr std::uint64_t kNeededMin = 16, kNeededMax = 4096;

  std::uint64_t run_ = 0;  // of short waits
  std::uint64_t needed_ = kNeededMin;
  std::uint64_t taken_ = 0;  // since the pause
  bool paused_ = false;
};

}  // namespace gevent
