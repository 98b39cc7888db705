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

Job* JobQueue::take(double timeout_s) {
  bool wake;
  Job* job;
  {
    std::unique_lock lock(mutex_);
    job = pop_locked();
    if (job != nullptr) return job;

    const auto has_job = [this] { return count_ != 0; };
    ++sleeping_;
    if (timeout_s < 0) {
      // Not with a predicate: whoever wakes, for whatever reason, is the one that was being woken.
      do {
        pushed_.wait(lock);
        waking_ = false;
      } while (!has_job());
    } else {
      const auto end =
          std::chrono::steady_clock::now() +
          std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(timeout_s));
      do {
        const bool timed_out = pushed_.wait_until(lock, end) == std::cv_status::timeout;
        // A notification may have been spent on a thread that timed out at the same moment.
        waking_ = false;
        if (timed_out) break;
      } while (!has_job());
    }
    --sleeping_;
    job = pop_locked();
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

bool JobQueue::should_wake_locked() {
  if (count_ == 0 || sleeping_ == 0 || waking_) return false;
  waking_ = true;
  return true;
}

}  // namespace gevent
