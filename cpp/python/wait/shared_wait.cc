#include "python/wait/shared_wait.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/made_at_load.h"
#include "base/time_left.h"
#include "ipc/lane_watch.h"
#include "ipc/wake_protocol.h"
#include "python/hub/bound_greenlets.h"
#include "python/hub/hub_state.h"
#include "python/hub/signal_delivery.h"

namespace gevent {
namespace {

// One for each loop that ever had somebody waiting here: few. Guarded by the GIL.
const MadeAtLoad<std::vector<std::shared_ptr<LaneWatch>>> lane_watches;

// The loop's ear for `semaphore`, listening; none where that takes more descriptors than there are.
std::shared_ptr<LaneWatch> listen(Loop& loop, const SharedSemaphore& semaphore) noexcept {
  auto& all = lane_watches();
  std::erase_if(all, [](const std::shared_ptr<LaneWatch>& each) { return each->loop() == nullptr; });
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each->loop() == &loop; });
  if (found == all.end()) {
    Result<std::unique_ptr<LaneWatch>> made = LaneWatch::create(loop);
    if (!made) return nullptr;
    found = all.insert(all.end(), std::move(made).value());
  }
  // Shared, because a hub that is destroyed takes its loop along before those who waited there come back.
  std::shared_ptr<LaneWatch> watch = *found;
  return watch->begin_sleep(semaphore.shared_arena()) ? watch : nullptr;
}

// One greenlet's, from the first look to the last. On the heap, for it may be left behind in a child of fork().
class Sleep final : public HeldWhileParked {
 public:
  Sleep(std::shared_ptr<LaneWatch> watch, SharedSemaphore& semaphore) noexcept
      : watch_(std::move(watch)), semaphore_(semaphore) {
    semaphore_.begin_sleep();
  }

  void give_back() noexcept override {
    watch_->end_sleep();
    // One wake-up may have been for several units, or for one that we leave.
    semaphore_.end_sleep();
  }

 private:
  std::shared_ptr<LaneWatch> watch_;
  SharedSemaphore& semaphore_;
};

// A whole thread: it has no hub, so nobody else could run in it.
Parked wait_in_thread(SharedSemaphore& semaphore, double timeout_s) noexcept {
  const TimeLeft left(timeout_s);
  Parked outcome = kTimedOut;
  semaphore.begin_thread_sleep();
  for (;;) {
    if (semaphore.try_acquire()) {
      outcome = kWoken;
      break;
    }
    if (left.over()) break;
    if (!call_handlers_in_wait()) {
      outcome = kFailed;
      break;
    }
    const std::chrono::duration<double> longest(
        left.at_most(std::chrono::duration<double>(wake::kLookAgainMax).count()));
    Py_BEGIN_ALLOW_THREADS;
    semaphore.thread_sleep(std::chrono::duration_cast<std::chrono::nanoseconds>(longest));
    Py_END_ALLOW_THREADS;
  }
  semaphore.end_thread_sleep();
  return outcome;
}

// Looks again and again, less and less often: nothing tells this process of units.
Parked wait_without_ear(SharedSemaphore& semaphore, double timeout_s) noexcept {
  constexpr double kLongest = 0.02;
  const TimeLeft left(timeout_s);
  for (double pause = 0.001;; pause = std::min(pause * 2, kLongest)) {
    if (semaphore.try_acquire()) return kWoken;
    if (left.over()) return kTimedOut;
    if (park_in(semaphore.line, left.at_most(pause)) == kFailed) return kFailed;
  }
}

}  // namespace

Parked wait_for_unit(SharedSemaphore& semaphore, double timeout_s) noexcept {
  if (!is_number(timeout_s)) return kFailed;
  const HubState* const state = hub_state_with_loop();
  if (state == nullptr) return wait_in_thread(semaphore, timeout_s);
  std::shared_ptr<LaneWatch> watch = listen(*state->loop, semaphore);
  if (watch == nullptr) return wait_without_ear(semaphore, timeout_s);
  const TimeLeft left(timeout_s);
  Parked outcome = kTimedOut;
  bool first = true;
  const auto sleep = std::make_unique<Sleep>(std::move(watch), semaphore);
  for (;;) {
    const bool announced = semaphore.announce_sleep();
    if (semaphore.try_acquire()) {
      outcome = kWoken;
      break;
    }
    if (!first && left.over()) break;
    // Who was woken and found nothing keeps its place.
    const double seconds = announced ? left.seconds() : left.at_most(0.02);
    const Parked parked = first ? park_in(semaphore.line, seconds) : park_first_in(semaphore.line, seconds);
    first = false;
    if (parked == kFailed) {
      outcome = kFailed;
      break;
    }
  }
  sleep->give_back();
  return outcome;
}

void forget_lane_watches() noexcept {
  // Their watchers hang on an abandoned loop, so that destroying them touches nothing; closing our copies of the queues
  // leaves the parent's alone.
  lane_watches().clear();
}

}  // namespace gevent
