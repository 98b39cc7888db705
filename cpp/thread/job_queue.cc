#include "thread/job_queue.h"

#include <chrono>

namespace gevent {

void JobQueue::push(Job& job) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
    ++count_;
    wake = should_wake_locked();
  }
  if (wake) pushed_.notify_one();
}

Job* JobQueue::try_take() {
  const std::lock_guard lock(mutex_);
  return pop_locked();
}

Job* JobQueue::take(double timeout_s, std::atomic<bool>* asleep) {
  bool wake;
  Job* job;
  {
    std::unique_lock lock(mutex_);
    if (count_ == 0) {
      ++sleeping_;
      if (timeout_s < 0) {
        // Not with a predicate: whoever wakes, for whatever reason, is the one that was being woken.
        do {
          pushed_.wait(lock);
          waking_ = false;
        } while (count_ == 0);
      } else {
        const auto end =
            std::chrono::steady_clock::now() +
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(timeout_s));
        do {
          const bool timed_out = pushed_.wait_until(lock, end) == std::cv_status::timeout;
          // A notification may have been spent on a thread that timed out at the same moment.
          waking_ = false;
          if (timed_out) break;
        } while (count_ == 0);
      }
      --sleeping_;
    }
    if (asleep != nullptr) *asleep = false;
    job = pop_locked();
    wake = should_wake_locked();
  }
  if (wake) pushed_.notify_one();
  return job;
}

Job* JobQueue::take_or_listen(Listener& listener) {
  const std::lock_guard lock(mutex_);
  Job* const job = pop_locked();
  if (job == nullptr) listeners_.push_back(listener);
  return job;
}

Job* JobQueue::stop_listening(Listener& listener, bool takes) {
  bool wake;
  Job* job;
  {
    const std::lock_guard lock(mutex_);
    listener.unlink();
    job = takes ? pop_locked() : nullptr;
    wake = should_wake_locked();
  }
  if (wake) pushed_.notify_one();
  return job;
}

std::size_t JobQueue::size() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::size_t JobQueue::sleeping() const {
  const std::lock_guard lock(mutex_);
  return sleeping_;
}

Job* JobQueue::pop_locked() {
  Job* job = jobs_.pop_front();
  if (job != nullptr) --count_;
  return job;
}

// Whether one that sleeps is to be notified. With none asleep, all who listen are told: each may be busy with something
// else before it comes. That is done with the lock held, or one of them might be gone.
bool JobQueue::should_wake_locked() {
  if (count_ == 0 || waking_) return false;
  if (sleeping_ != 0) return waking_ = true;
  while (Listener* const listener = listeners_.pop_front()) listener->on_job();
  return false;
}

}  // namespace gevent
