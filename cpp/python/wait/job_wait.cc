#include "python/wait/job_wait.h"

#include <atomic>
#include <memory>

#include "python/hub/hub_state.h"
#include "python/wait/parking.h"
#include "python/wait/resting_threads.h"

namespace gevent {
namespace {

class WorkersRest final : public Rest {
 public:
  explicit WorkersRest(const JobQueue& queue) noexcept : queue_(queue) {}
  // In this order: a job that is not in the queue any more has been taken before.
  [[nodiscard]] bool lasts() const noexcept override { return queue_.size() == 0 && asleep; }

  std::atomic<bool> asleep = true;

 private:
  const JobQueue& queue_;
};

Job* sleep_until_job(JobQueue& queue, double timeout_s) noexcept {
  WorkersRest rest(queue);
  rest.begin();
  Job* job = nullptr;
  Py_BEGIN_ALLOW_THREADS;
  job = queue.take(timeout_s, &rest.asleep);
  Py_END_ALLOW_THREADS;
  rest.end();
  return job;
}

// A job's way into a hub. On the heap, for the greenlet's stack may be elsewhere when one comes.
class JobCall final : public JobQueue::Listener {
 public:
  JobCall(Loop& loop, bool with_timer) noexcept : loop_(loop), call_(loop, &on_call, this), holds_(with_timer ? 2 : 1) {
    call_.set_ref(false);
    call_.start();
    loop.hold();
    loop.idle_holds += holds_;
  }
  ~JobCall() {
    call_.stop();
    loop_.idle_holds -= holds_;
    if (!loop_.abandoned()) loop_.release();
  }

  void on_job() noexcept override { call_.send(); }

  WaitQueue line;

 private:
  static void on_call(Watcher& watcher, int) noexcept { static_cast<JobCall*>(watcher.owner)->line.wake_all(); }

  Loop& loop_;
  Async call_;
  const unsigned holds_;  // of which nothing comes: its own, and the timer of the time limit
};

Job* park_until_job(Loop& loop, JobQueue& queue, double timeout_s) noexcept {
  const auto call = std::make_unique<JobCall>(loop, timeout_s >= 0);
  if (Job* const job = queue.take_or_listen(*call); job != nullptr) return job;
  const Parked outcome = park_in(call->line, timeout_s);
  return queue.stop_listening(*call, outcome != kFailed);
}

}  // namespace

Job* wait_for_job(JobQueue& queue, double timeout_s) noexcept {
  return hub_is_inhabited() ? park_until_job(*hub_state()->loop, queue, timeout_s) : sleep_until_job(queue, timeout_s);
}

bool hub_is_inhabited() noexcept {
  const HubState* const hub = hub_state_with_loop();
  if (hub == nullptr || hub->loop->abandoned()) return false;
  return hub->loop->waiters != 0 || hub->loop->ready.peek() != nullptr || hub->loop->facts().active != 0;
}

}  // namespace gevent
