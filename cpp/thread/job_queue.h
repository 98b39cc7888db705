// Work that one thread hands to others.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "base/intrusive_list.h"

namespace gevent {

// One piece of work. `owner` is for whoever made it; the queue does not look at it and owns nothing.
struct Job : ListNode {
  void* owner = nullptr;
};

// First come, first served; any thread may call anything.
//
// Waking a sleeping thread costs more than a small job, so at most one wake-up is under way at a time: a worker that
// wakes takes a job and, when more are left, wakes the next. A worker that is awake anyway takes several jobs in a row
// without anybody else having stirred, yet no job waits while a worker sleeps and all others are busy.
//
// Does not survive a fork: threads that are not there any more may hold its lock. The child makes another one and
// leaves this alone, destructor included.
class JobQueue {
 public:
  // Somebody who waits for a job elsewhere than in take().
  class Listener : public ListNode {
   public:
    // There may be a job. Called once, from any thread, with the queue's lock held.
    virtual void on_job() noexcept = 0;

   protected:
    ~Listener() = default;
  };

  JobQueue() = default;
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  // Appends `job`, which stays linked until it is taken.
  void push(Job& job);

  // The first job, or nullptr when there is none. Never waits.
  [[nodiscard]] Job* try_take();

  // The first job; waits for one, `timeout_s` seconds at most (negative: no limit), then returns nullptr. Blocks the
  // thread: call it without any lock that others need. `asleep`, if given, becomes false as soon as the wait has ended.
  [[nodiscard]] Job* take(double timeout_s, std::atomic<bool>* asleep = nullptr);

  // The first job; without one, `listener` is told as soon as there is a job for it, and must stop_listening() then, or
  // when it gives up. That returns the first job, or nullptr, and with `takes` false always nullptr.
  [[nodiscard]] Job* take_or_listen(Listener& listener);
  Job* stop_listening(Listener& listener, bool takes);

  // Jobs that wait to be taken, and threads that wait in take(). Hints: both may have changed already.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t sleeping() const;

 private:
  Job* pop_locked();
  bool should_wake_locked();

  mutable std::mutex mutex_;
  std::condition_variable pushed_;
  IntrusiveList<Job> jobs_;
  std::size_t count_ = 0;
  IntrusiveList<Listener> listeners_;
  std::size_t sleeping_ = 0;
  bool waking_ = false;  // somebody was notified and has not come out of take() yet
};

}  // namespace gevent
