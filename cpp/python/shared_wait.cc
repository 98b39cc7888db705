#include "python/shared_wait.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "ipc/lane_watch.h"

namespace gevent {
namespace {

// One for each loop that ever had somebody waiting here: few. Guarded by the GIL.
std::vector<std::shared_ptr<LaneWatch>>& lane_watches() noexcept {
  static auto* all = new std::vector<std::shared_ptr<LaneWatch>>;  // threads may use it until the very end
  return *all;
}

std::shared_ptr<LaneWatch> lane_watch_of(Loop& loop) noexcept {
  auto& all = lane_watches();
  std::erase_if(all, [](const std::shared_ptr<LaneWatch>& each) { return each->loop() == nullptr; });
  for (const std::shared_ptr<LaneWatch>& each : all) {
    if (each->loop() == &loop) return each;
  }
  Result<std::unique_ptr<LaneWatch>> made = LaneWatch::create(loop);
  if (!made) {
    errno = made.error().code();
    PyErr_SetFromErrno(PyExc_OSError);
    return nullptr;
  }
  all.push_back(std::move(made).value());
  return all.back();
}

}  // namespace

Parked wait_for_unit(SharedSemaphore& semaphore, double timeout_s) noexcept {
  Loop* loop = current_loop();
  if (loop == nullptr) return kFailed;
  // Shared, because a hub that is destroyed takes its loop along before those who waited there come back.
  const std::shared_ptr<LaneWatch> watch = lane_watch_of(*loop);
  if (watch == nullptr) return kFailed;
  if (Result<void> begun = watch->begin_sleep(semaphore.shared_arena(), semaphore.lane()); !begun) {
    errno = begun.error().code();
    PyErr_SetFromErrno(PyExc_OSError);
    return kFailed;
  }
  const Nanoseconds start = Clock::now();
  Parked outcome = kTimedOut;
  bool first = true;
  for (double left = timeout_s;;) {
    semaphore.announce_sleep();
    if (semaphore.try_acquire()) {
      outcome = kWoken;
      break;
    }
    if (!first && timeout_s >= 0 && left <= 0) break;
    // Who was woken and found nothing keeps its place.
    const Parked parked = first ? park_in(semaphore.line, left) : park_first_in(semaphore.line, left);
    first = false;
    if (parked == kFailed) {
      outcome = kFailed;
      break;
    }
    if (timeout_s >= 0) left = timeout_s - std::chrono::duration<double>(Clock::now() - start).count();
  }
  watch->end_sleep();
  // One wake-up may have been for several units, or for one that we leave.
  semaphore.pass_on();
  return outcome;
}

void forget_lane_watches() noexcept {
  // Their watchers hang on an abandoned loop, so that destroying them touches nothing; closing our copies of the queues
  // leaves the parent's alone.
  lane_watches().clear();
}

}  // namespace gevent
