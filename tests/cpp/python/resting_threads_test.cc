#include "python/wait/resting_threads.h"

#include "python/forked.h"
#include "python/hub/loop_client.h"
#include "python/interpreter.h"
#include "python/native_thread.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

class CountingRest final : public Rest {
 public:
  [[nodiscard]] bool lasts() const noexcept override { return asleep; }
  bool ring() noexcept override {
    ++rung;
    return rings;
  }
  bool asleep = true;
  bool rings = true;
  int rung = 0;
};

// A thread that does what it is told, one act after the other.
enum class Act { kNothing, kRest, kEndRest, kCountOut, kEnd };

class Worker {
 public:
  Worker()
      : thread_([this] {
          for (;;) {
            let_threads_run_until([this] { return act_ != Act::kNothing; });
            const Act act = act_;
            if (act == Act::kRest) rest.begin();
            if (act == Act::kEndRest) rest.end();
            if (act == Act::kCountOut) count_out_this_thread();
            act_ = Act::kNothing;
            if (act == Act::kEnd) return;
          }
        }) {
    let_threads_run_until([] { return !only_foreigners_may_come(); });  // Python knows it
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { end(); }
  // Comes back when it is done.
  void make(Act act) {
    act_ = act;
    let_threads_run_until([this] { return act_ == Act::kNothing; });
  }
  void end() {
    if (!thread_.ended()) make(Act::kEnd);
    thread_.join();
  }

  CountingRest rest;

 private:
  std::atomic<Act> act_ = Act::kNothing;
  NativeThread thread_;
};

}  // namespace

TEST_CASE("resting threads: a thread may come until it rests, and again as soon as somebody makes something ready") {
  CHECK_FALSE(others_may_come());
  Worker worker;
  CHECK(others_may_come());
  CHECK_FALSE(only_foreigners_may_come());
  worker.make(Act::kRest);
  CHECK(worker.rest.begun());
  CHECK_FALSE(others_may_come());
  worker.rest.asleep = false;
  CHECK(others_may_come());
  worker.rest.asleep = true;
  worker.make(Act::kEndRest);
  CHECK_FALSE(worker.rest.begun());
  CHECK(others_may_come());
  worker.end();
  CHECK_FALSE(others_may_come());
}

TEST_CASE("resting threads: one that watches others is counted out") {
  Worker worker;
  worker.make(Act::kCountOut);
  CHECK_FALSE(others_may_come());
}

TEST_CASE(
    "resting threads: who rests as the last one rings somebody who stalls, and one that will not is passed over") {
  Worker other;
  CountingRest unwilling, mine;
  unwilling.rings = false;
  unwilling.begin();
  mine.begin();
  CHECK((unwilling.rung == 0 && mine.rung == 0));
  other.make(Act::kRest);
  CHECK((unwilling.rung == 1 && mine.rung == 1));
  CHECK(other.rest.rung == 0);
  other.make(Act::kEndRest);
  mine.end();
  unwilling.end();
}

TEST_CASE("resting threads: so does one that ends") {
  Worker other;
  CountingRest mine;
  CHECK(others_may_come());  // from now on the end of each is heard of
  mine.begin();
  CHECK(mine.rung == 0);
  other.end();
  CHECK(mine.rung == 1);
}

#ifdef __linux__
TEST_CASE("resting threads: one that Python does not know may call back, and nobody tells of its end") {
  std::atomic<bool> begun = false, over = false;
  std::thread foreigner([&] {
    begun = true;
    while (!over) std::this_thread::yield();
  });
  while (!begun) std::this_thread::yield();
  CHECK(others_may_come());
  CHECK(only_foreigners_may_come());
  over = true;
  foreigner.join();
  CHECK_FALSE(others_may_come());
}
#endif

TEST_CASE("resting threads: in a forked child nobody rests but who began there") {
  CountingRest mine;
  mine.begin();
  CHECK(in_child([&] {
          PyOS_AfterFork_Child();
          CountingRest another;
          another.begin();
          const bool alone = mine.rung == 0 && another.rung == 0 && !others_may_come();
          mine.end();  // does nothing: it did not begin here
          another.end();
          return alone;
        }) == 0);
}

TEST_CASE(
    "resting threads: a loop that stalls goes on until the stall is over, and its sleep counts as rest if it says so") {
  const auto loop = make_libuv_python_loop();
  REQUIRE(loop != nullptr);
  Loop& core = *loop->core();
  CHECK_FALSE(core.run(Loop::Mode::kNowait));
  for (const bool rests : {true, false}) {
    const Stall stall(core, rests);
    CHECK((core.stalls && core.facts().active == 1));
    CHECK(core.idle_holds == (rests ? 1 : 0));
  }
  CHECK((!core.stalls && core.facts().active == 0 && core.idle_holds == 0));
  loop->close();
}
