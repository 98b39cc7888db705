// A line in which all are woken at once, by something that happens to everybody: an event, a result.
#pragma once
#include <cstdint>

#include "loop/ready_queue.h"
#include "sync/waiter.h"

namespace gevent {

class Broadcast {
 public:
  WaitQueue queue;  // park here

  // Wakes all who are in line now. `ready` is what runs next where the caller is, or nullptr: see catching_up().
  void wake_all(const ReadyQueue* ready) noexcept {
    if (queue.empty()) return;
    queue.wake_all();
    ready_ = ready;
    if (ready != nullptr) woken_before_ = ready->tail();
  }

  // Whether some of those that were woken may not have run yet, as far as `ready` knows. Somebody who comes now and
  // need not wait lets them go first by one round through `ready`, so that everybody proceeds in the order of arrival.
  [[nodiscard]] bool catching_up(const ReadyQueue* ready) noexcept {
    if (ready_ == nullptr) [[likely]]
      return false;
    if (ready_ == ready && static_cast<std::int64_t>(woken_before_ - ready->head()) > 0) return true;
    if (ready_ == ready) ready_ = nullptr;
    return false;
  }

  [[nodiscard]] std::int64_t waiting() noexcept {
    std::int64_t count = 0;
    for (Waiter* waiter = queue.front(); waiter != nullptr; waiter = queue.after(*waiter)) ++count;
    return count;
  }

 private:
  const ReadyQueue* ready_ = nullptr;  // only compared
  ReadyQueue::Position woken_before_ = 0;
};

}  // namespace gevent
