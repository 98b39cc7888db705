// How long a loop sleeps: to the next time that a watcher has, and without a limit when none has any.
#include <doctest/doctest.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "loop/engines.h"

using namespace gevent;
using testing::Counter;
using testing::make_loop;

namespace {

// Wakes a loop that has slept far too long, so that a test fails rather than hangs.
class Rescue {
 public:
  explicit Rescue(Loop& loop) : thread_([this, &loop] { wait(loop); }) {}
  ~Rescue() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  [[nodiscard]] bool needed() {
    const std::lock_guard lock(mutex_);
    return needed_;
  }

 private:
  void wait(Loop& loop) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, std::chrono::seconds(10), [this] { return over_; })) return;
    needed_ = true;
    while (!changed_.wait_for(lock, std::chrono::milliseconds(10), [this] { return over_; })) loop.wake_up();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  bool needed_ = false;
  std::thread thread_;  // last: it uses the others
};

struct Starter {
  Timer& timer;
  static void on_event(Watcher& watcher, int) noexcept {
    watcher.stop();
    static_cast<Starter*>(watcher.owner)->timer.start();
  }
};

// A timer that starts itself again, as one that is new, until it has rung often enough.
struct Restarting {
  static constexpr int kTimes = 3;
  int calls = 0;
  static void on_event(Watcher& watcher, int) noexcept {
    if (++static_cast<Restarting*>(watcher.owner)->calls < kTimes) watcher.start();
  }
};

}  // namespace

LOOP_TEST_CASE("a timer that a prepare watcher starts ends the sleep that comes next") {
  auto loop = make_loop();
  Rescue rescue(*loop);
  Counter rang;
  Timer timer(*loop, 0.01, 0, Counter::on_event, &rang);
  Starter starter{timer};
  Prepare prepare(*loop, Starter::on_event, &starter);
  prepare.start();
  while (rang.calls == 0 && !rescue.needed()) loop->run(Loop::Mode::kOnce);
  CHECK_FALSE(rescue.needed());
  CHECK(rang.calls == 1);
}

LOOP_TEST_CASE("a timer may start itself again in its callback") {
  auto loop = make_loop();
  Rescue rescue(*loop);
  Restarting restarting;
  Timer timer(*loop, 0.005, 0, Restarting::on_event, &restarting);
  timer.start();
  loop->run(Loop::Mode::kDefault);
  CHECK_FALSE(rescue.needed());
  CHECK(restarting.calls == Restarting::kTimes);
}

LOOP_TEST_CASE("whatever was done with timers before, those that are active ring in time") {
  auto loop = make_loop();
  Rescue rescue(*loop);
  Counter rang;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 8; ++i)
    timers.push_back(std::make_unique<Timer>(*loop, 0.001 * i, i % 2 == 0 ? 0 : 0.001, Counter::on_event, &rang));
  std::minstd_rand random(1);
  for (int round = 0; round < 2000 && !rescue.needed(); ++round) {
    Timer& timer = *timers[random() % timers.size()];
    switch (random() % 6) {
      case 0:
      case 1:
        timer.start();
        break;
      case 2:
        timer.stop();
        break;
      case 3:
        timer.again();
        break;
      case 4:
        loop->run(Loop::Mode::kNowait);
        break;
      default:
        for (const auto& each : timers) {
          if (!each->active()) continue;
          loop->run(Loop::Mode::kOnce);  // would not come back
          break;
        }
    }
  }
  CHECK_FALSE(rescue.needed());
  CHECK(rang.calls > 0);
  for (const auto& each : timers) each->stop();
}

#if defined(__linux__) && defined(__x86_64__)
namespace {

// What a thread that sleeps in epoll_wait() has given as its time limit; 0: none that could be found out.
long limit_of_sleeper(long thread) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", thread);
  for (int tries = 0; tries < 5000; ++tries) {
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "r"), &std::fclose);
    if (file == nullptr) return 0;
    long call = -1;
    unsigned long limit = 0;
    const int found = std::fscanf(file.get(), "%ld %*x %*x %*x %lx", &call, &limit);
    const bool sleeps = found == 2 && (call == SYS_epoll_wait || call == SYS_epoll_pwait);
    if (sleeps && static_cast<int>(limit) != 0) return static_cast<int>(limit);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return 0;
}

}  // namespace

// libuv's engine does so by itself.
TEST_CASE("libev: a loop whose watchers have no time sleeps without a limit, also after some had one") {
  testing::engine = testing::Engine::kLibev;
  auto loop = make_loop();
  Rescue rescue(*loop);
  Counter rang, sent;
  Async async(*loop, Counter::on_event, &sent);
  async.start();
  Timer first(*loop, 0.001, 0, Counter::on_event, &rang);
  Timer second(*loop, 60, 0, Counter::on_event, &rang);
  Stat stat(*loop, "/proc/self/exe", 60, Counter::on_event, &rang);
  first.start();
  second.start();
  second.again();  // stops it
  stat.start();
  stat.stop();
  while (rang.calls == 0 && !rescue.needed()) loop->run(Loop::Mode::kOnce);

  long limit = 0;
  const long sleeper = ::syscall(SYS_gettid);
  std::thread looker([&] {
    limit = limit_of_sleeper(sleeper);
    async.send();
  });
  while (sent.calls == 0) loop->run(Loop::Mode::kOnce);
  looker.join();
  CHECK_FALSE(rescue.needed());
  if (limit == 0) {
    MESSAGE("the system does not tell what a thread waits for");
  } else {
    CHECK(limit < 0);
  }
}
#endif
