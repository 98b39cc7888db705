// How a worker thread of a pool waits for its next job.
#pragma once
#include <Python.h>

#include "thread/job_queue.h"

namespace gevent {

// The first job of `queue`; waits for one, `timeout_s` seconds at most (negative: no limit), then returns nullptr.
//
// A thread in whose hub nothing lives sleeps, without the GIL. Otherwise the calling greenlet parks there, so that
// whatever jobs have left behind (greenlets that they started as threads) lives on. In both cases the wait counts as
// one of which nothing comes by itself: python/wait/resting_threads.h.
//
// nullptr with an exception set: one was thrown into the calling greenlet.
Job* wait_for_job(JobQueue& queue, double timeout_s) noexcept;

// Whether anything lives in the calling thread's hub: something waits there, or is about to run.
[[nodiscard]] bool hub_is_inhabited() noexcept;

}  // namespace gevent
