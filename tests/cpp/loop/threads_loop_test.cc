// What other threads may do to a loop; also run under the thread sanitizer.
#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "loop/engines.h"

using namespace gevent;
using testing::Counter;
using testing::make_loop;

namespace {

// Stands for the GIL.
struct Lock final : LoopClient {
  void before_block() noexcept override { mutex.unlock(); }
  void after_block() noexcept override { mutex.lock(); }
  void turn() noexcept override {}
  std::mutex mutex;
};

}  // namespace

LOOP_TEST_CASE("what other threads make ready under the lock is never left lying while the loop sleeps") {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  auto loop = make_loop();
  Lock lock;
  loop->client = &lock;
  static Loop* current;
  static int left;
  current = loop.get();
  left = kThreads * kEach;
  const std::lock_guard<std::mutex> held(lock.mutex);
  loop->hold();
  std::vector<std::thread> others;
  for (int i = 0; i < kThreads; ++i) {
    others.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        const std::lock_guard<std::mutex> mine(lock.mutex);
        loop->ready.push({[](void*, void*) noexcept {
                            if (--left == 0) current->release();
                          },
                          nullptr, nullptr});
        loop->wake_up_if_blocked();
      }
    });
  }
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  CHECK(left == 0);
  lock.mutex.unlock();
  for (auto& other : others) other.join();
  lock.mutex.lock();
}

LOOP_TEST_CASE("send() and wake_up() need no lock") {
  constexpr int kThreads = 4;
  auto loop = make_loop();
  Lock lock;
  loop->client = &lock;
  const std::lock_guard<std::mutex> held(lock.mutex);
  Counter counter;
  Async async(*loop, Counter::on_event, &counter);
  async.start();
  std::atomic<bool> over = false;
  std::vector<std::thread> others;
  for (int i = 0; i < kThreads; ++i) {
    others.emplace_back([&] {
      while (!over) {
        async.send();
        loop->wake_up();
      }
    });
  }
  while (counter.calls < 1000) loop->run(Loop::Mode::kOnce);
  over = true;
  for (auto& other : others) other.join();
  CHECK(counter.calls >= 1000);
}

LOOP_TEST_CASE("loops of different threads do not know of each other") {
  std::vector<std::thread> threads;
  std::atomic<int> fired = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      auto loop = make_loop();
      for (int n = 0; n < 50; ++n) {
        Timer timer(
            *loop, 0, 0, [](Watcher& watcher, int) noexcept { ++*static_cast<std::atomic<int>*>(watcher.owner); },
            &fired);
        timer.start();
        loop->run(Loop::Mode::kDefault);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(fired == 200);
}
