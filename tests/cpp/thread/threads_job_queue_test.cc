// Named threads_…: the thread sanitizer runs this file too.
#include "thread/job_queue.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "doctest/doctest.h"

using gevent::Job;
using gevent::JobQueue;

namespace {

void wait_until_sleeping(const JobQueue& queue, std::size_t count) {
  while (queue.sleeping() != count) std::this_thread::yield();
}

}  // namespace

TEST_CASE("jobs come out of the queue in the order they went in") {
  JobQueue queue;
  Job first, second;
  CHECK(queue.try_take() == nullptr);
  queue.push(first);
  queue.push(second);
  CHECK(queue.size() == 2);
  CHECK(queue.try_take() == &first);
  CHECK(queue.take(-1) == &second);
  CHECK(queue.size() == 0);
}

TEST_CASE("take() gives up after its timeout") {
  JobQueue queue;
  CHECK(queue.take(0) == nullptr);
  CHECK(queue.take(0.001) == nullptr);
  CHECK(queue.sleeping() == 0);
}

TEST_CASE("a job pushed while a worker sleeps wakes it") {
  JobQueue queue;
  Job job;
  std::atomic<Job*> taken = nullptr;
  std::thread worker([&] { taken = queue.take(-1); });
  wait_until_sleeping(queue, 1);
  queue.push(job);
  worker.join();
  CHECK(taken == &job);
}

TEST_CASE("no job waits while a worker sleeps and all others are busy") {
  // As many jobs as workers, and each job lasts until all of them have begun.
  constexpr std::size_t kWorkers = 4;
  for (int round = 0; round < 50; ++round) {
    JobQueue queue;
    std::vector<Job> jobs(kWorkers);
    std::atomic<std::size_t> begun = 0;
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&] {
        if (queue.take(-1) == nullptr) return;
        ++begun;
        while (begun != kWorkers) std::this_thread::yield();
      });
    }
    wait_until_sleeping(queue, kWorkers);
    for (Job& job : jobs) queue.push(job);
    for (std::thread& worker : workers) worker.join();
    CHECK(begun == kWorkers);
  }
}

TEST_CASE("who listens is told of a job once, and takes it, or leaves it to the next") {
  struct Told final : JobQueue::Listener {
    void on_job() noexcept override { ++times; }
    int times = 0;
  };
  JobQueue queue;
  Job job, another;
  Told first, second;
  CHECK(queue.take_or_listen(first) == nullptr);
  CHECK(queue.take_or_listen(second) == nullptr);
  queue.push(job);
  CHECK(first.times == 1);
  CHECK(second.times == 1);
  CHECK(queue.stop_listening(first, true) == &job);
  CHECK(queue.stop_listening(second, true) == nullptr);

  CHECK(queue.take_or_listen(first) == nullptr);
  CHECK(queue.stop_listening(first, true) == nullptr);
  queue.push(another);
  CHECK(first.times == 1);
  CHECK(queue.take_or_listen(second) == &another);
}

TEST_CASE("a worker that sleeps is woken before those that listen are told") {
  struct Told final : JobQueue::Listener {
    void on_job() noexcept override { ++times; }
    int times = 0;
  };
  JobQueue queue;
  Job job;
  Told listener;
  CHECK(queue.take_or_listen(listener) == nullptr);
  std::atomic<bool> asleep = true;
  std::thread worker([&] { CHECK(queue.take(-1, &asleep) == &job); });
  wait_until_sleeping(queue, 1);
  CHECK(asleep);
  queue.push(job);
  worker.join();
  CHECK_FALSE(asleep);
  CHECK(listener.times == 0);
  CHECK(queue.stop_listening(listener, true) == nullptr);
}

TEST_CASE("many producers and workers with timeouts lose no job") {
  constexpr int kJobs = 2000;
  JobQueue queue;
  std::vector<Job> jobs(2 * kJobs);
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (done < 2 * kJobs) {
        if (queue.take(0.0001) != nullptr) ++done;
      }
    });
  }
  for (int half = 0; half < 2; ++half) {
    threads.emplace_back([&, half] {
      for (int i = 0; i < kJobs; ++i) queue.push(jobs[static_cast<std::size_t>(half * kJobs + i)]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done == 2 * kJobs);
  CHECK(queue.size() == 0);
}
