// Finished work on its way back to the thread that asked for it.
#pragma once
#include <cstddef>
#include <mutex>

#include "loop/loop.h"
#include "thread/job_queue.h"

namespace gevent {

// Collects finished jobs from any thread and hands them out on one loop's thread, however many came in one wake-up.
//
// expect() before a job goes out keeps the loop running until as many were delivered or given up: a loop must not end
// while somebody waits for a job's result. Everything but post() and notify() is for the loop's own
// thread.
class Completions {
 public:
  // Called from within Loop::run() for each job that was posted, in their order; may post, expect, or destroy *this
  // only when it was the last. `owner` is the constructor's.
  using Deliver = void (*)(void* owner, Job& job) noexcept;

  Completions(Loop& loop, Deliver deliver, void* owner) noexcept;
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;
  ~Completions();

  void expect() noexcept;
  void give_up() noexcept;  // one that was expected will not come

  // Any thread. Returns whether the loop has to be told, by notify(); until then nothing is delivered. They are two so
  // that a thread can let go of a lock that the loop's thread will want as soon as it wakes.
  [[nodiscard]] bool post(Job& job);
  void notify() noexcept { wake_.send(); }

  // In a forked child, where the threads that would post are not: expects nothing any more, and leaves the loop alone.
  void disconnect() noexcept;

  [[nodiscard]] std::size_t expected() const noexcept { return expected_; }
  // False once the loop is gone: nothing is delivered any more.
  [[nodiscard]] bool alive() const noexcept { return wake_.loop() != nullptr; }

 private:
  void hold(bool holds) noexcept;
  static void on_wake(Watcher& watcher, int revents) noexcept;
  void deliver_all() noexcept;

  Async wake_;
  Deliver deliver_;
  void* owner_;
  std::size_t expected_ = 0;
  std::mutex mutex_;  // guards done_
  IntrusiveList<Job> done_;
  IntrusiveList<Job> batch_;  // being delivered
};

}  // namespace gevent
