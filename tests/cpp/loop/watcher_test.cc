#include "loop/watcher.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "loop/engines.h"

using namespace gevent;
using testing::Counter;
using testing::make_loop;
using testing::Pipe;

namespace {

// Goes round, never waiting, until `done()`; false when that takes 10 seconds.
template <typename Done>
bool turn_until(Loop& loop, Done done) {
  const auto end = Clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (Clock::now() > end) return false;
    loop.run(Loop::Mode::kNowait);
  }
  return true;
}

}  // namespace

LOOP_TEST_CASE("an io watcher fires while its descriptor is ready") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 0);
  pipe.write("x");
  loop->run(Loop::Mode::kOnce);
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 2);
  CHECK(counter.last_events == kRead);
  io.stop();
  CHECK_FALSE(io.active());
  CHECK_FALSE(loop->run(Loop::Mode::kNowait));
}

LOOP_TEST_CASE("a descriptor that is closed already makes its watcher report an error, on every backend") {
  for (const unsigned backend : testing::backends()) {
    auto loop = make_loop(backend);
    Pipe pipe;
    Counter counter;
    Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
    pipe.close_read_end();
    io.start();
    CHECK(io.active());
    CHECK_FALSE(loop->run(Loop::Mode::kDefault));
    CHECK(counter.calls == 1);
    CHECK((counter.last_events & kErrorEvent) != 0);
    CHECK_FALSE(io.active());
  }
}

LOOP_TEST_CASE("a descriptor that is closed while it is watched never stops the process") {
  for (const unsigned backend : testing::backends()) {
    auto loop = make_loop(backend);
    Pipe pipe;
    Counter reads, writes;
    Io reader(*loop, pipe.read_end(), kRead, Counter::on_event, &reads);
    Io writer(*loop, pipe.read_end(), kWrite, Counter::on_event, &writes);
    reader.start();
    writer.start();
    loop->run(Loop::Mode::kNowait);
    pipe.close_read_end();
    writer.stop();  // changes what the kernel is asked for
    loop->run(Loop::Mode::kNowait);
    loop->run(Loop::Mode::kNowait);
    CHECK(reads.calls == 1);
    CHECK_FALSE(reader.active());
  }
}

LOOP_TEST_CASE("a descriptor closed in a prepare or a fed callback is noticed in the same round") {
  auto loop = make_loop();
  static std::unique_ptr<Pipe> pipe;
  static Counter counter;
  pipe = std::make_unique<Pipe>();
  counter = Counter{};
  Io io(*loop, pipe->read_end(), kRead, Counter::on_event, &counter);
  Timer far(*loop, 60, 0, Counter::on_event, &counter);
  far.start();
  Prepare prepare(
      *loop,
      [](Watcher& watcher, int) noexcept {
        watcher.stop();
        static_cast<Io*>(watcher.owner)->start();
        pipe.reset();
      },
      &io);
  prepare.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);

  pipe = std::make_unique<Pipe>();
  counter = Counter{};
  Check fed(
      *loop,
      [](Watcher& watcher, int) noexcept {
        Io& io = *static_cast<Io*>(watcher.owner);
        io.set(pipe->read_end(), kRead);
        io.start();
        pipe.reset();
      },
      &io);
  fed.feed(kCheckEvent);
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("a negative descriptor is an error at once") {
  auto loop = make_loop();
  Counter counter;
  Io io(*loop, -1, kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
  CHECK((counter.last_events & kErrorEvent) != 0);
}

LOOP_TEST_CASE("a number that stands for another file than before is registered anew") {
  auto loop = make_loop();
  Counter counter;
  auto first = std::make_unique<Pipe>();
  const int number = first->read_end();
  Io io(*loop, number, kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  io.stop();
  first.reset();
  Pipe second;
  REQUIRE(::dup2(second.read_end(), number) == number);
  OwnedFd same_number(number);
  io.set(number, kRead);
  io.start();
  second.write("x");
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("closing_fd() calls back everybody who waits on it, and nobody else") {
  auto loop = make_loop();
  Pipe pipe, other;
  Counter on_it, elsewhere;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &on_it);
  Io another(*loop, other.read_end(), kRead, Counter::on_event, &elsewhere);
  io.start();
  another.start();
  CHECK(loop->closing_fd(pipe.read_end()));
  CHECK_FALSE(loop->closing_fd(pipe.write_end()));
  pipe.close_read_end();
  loop->run(Loop::Mode::kNowait);
  CHECK(on_it.calls == 1);
  CHECK(on_it.last_events == kRead);
  CHECK_FALSE(io.active());
  CHECK(elsewhere.calls == 0);
}

LOOP_TEST_CASE("closing_fd() tells those who listen, whether or not anybody waits on it") {
  struct Listener final : ClosingListener {
    void on_closing(int fd) noexcept override { closed.push_back(fd); }
    std::vector<int> closed;
  };
  auto loop = make_loop();
  Pipe pipe;
  {
    Listener listener;
    loop->closing_listeners.push_back(listener);
    CHECK_FALSE(loop->closing_fd(pipe.read_end()));
    CHECK(listener.closed == std::vector<int>{pipe.read_end()});
  }
  CHECK_FALSE(loop->closing_fd(pipe.read_end()));  // the listener has gone
}

LOOP_TEST_CASE("closing_fd() finds nobody once the last watcher was stopped") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  io.start();
  CHECK(loop->watched(pipe.read_end()));
  io.stop();
  CHECK_FALSE(loop->watched(pipe.read_end()));
  CHECK_FALSE(loop->closing_fd(pipe.read_end()));
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 0);
}

LOOP_TEST_CASE("what is left of a closed loop keeps its watchers still and its ready queue unread") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter, pushed;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  Timer timer(*loop, 0, 0, Counter::on_event, &counter);
  io.start();
  timer.start();
  loop->close();
  CHECK(loop->closed());
  CHECK(loop->abandoned());
  CHECK(io.loop() == nullptr);
  CHECK_FALSE(timer.active());
  timer.start();
  loop->ready.push({[](void* target, void*) noexcept { ++static_cast<Counter*>(target)->calls; }, &pushed, nullptr});
  loop->wake_up_if_blocked();
  CHECK_FALSE(loop->closing_fd(pipe.read_end()));
  CHECK_FALSE(loop->run(Loop::Mode::kNowait));
  CHECK(loop->facts().active == 0);
  loop->close();  // once more does nothing
  CHECK(counter.calls + pushed.calls == 0);
}

LOOP_TEST_CASE("a timer counts from the real time of its start, however long the loop has not looked at the clock") {
  auto loop = make_loop();
  Counter counter;
  ::usleep(20'000);
  Timer timer(*loop, 0.03, 0, Counter::on_event, &counter);
  const auto start = Clock::now();
  timer.start();
  loop->run(Loop::Mode::kDefault);
  CHECK(counter.calls == 1);
  CHECK(Clock::now() - start >= std::chrono::milliseconds(29));

  ::usleep(20'000);
  Timer hasty(*loop, 0.02, 0, Counter::on_event, &counter);
  hasty.from_loop_time = true;
  hasty.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 2);
}

LOOP_TEST_CASE("a one-shot timer without ref stops by itself and leaves the count as it was") {
  auto loop = make_loop();
  Counter counter;
  Timer far(*loop, 60, 0, Counter::on_event, &counter);
  far.start();
  for (int i = 0; i < 3; ++i) {
    Timer timer(*loop, 0, 0, Counter::on_event, &counter);
    timer.set_ref(false);
    timer.start();
    CHECK(loop->run(Loop::Mode::kOnce));  // `far` still holds it
    CHECK_FALSE(timer.active());
  }
  CHECK(counter.calls == 3);
  far.stop();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
}

LOOP_TEST_CASE("ref may be changed while a watcher is active") {
  auto loop = make_loop();
  Counter counter;
  Timer timer(*loop, 60, 0, Counter::on_event, &counter);
  timer.start();
  CHECK(loop->facts().active == 1);
  timer.set_ref(false);
  CHECK(loop->facts().active == 0);
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  timer.set_ref(true);
  CHECK(loop->run(Loop::Mode::kNowait));
  timer.set_ref(false);
  timer.stop();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
}

LOOP_TEST_CASE("a repeating timer goes on until it is stopped, and again() starts it over") {
  auto loop = make_loop();
  Counter counter;
  Timer timer(
      *loop, 0.001, 0.001,
      [](Watcher& watcher, int) noexcept {
        if (++static_cast<Counter*>(watcher.owner)->calls == 3) watcher.stop();
      },
      &counter);
  timer.start();
  loop->run(Loop::Mode::kDefault);
  CHECK(counter.calls == 3);
  counter.calls = 2;
  timer.again();
  CHECK(timer.active());
  loop->run(Loop::Mode::kDefault);
  CHECK(counter.calls == 3);
  timer.set(0.001, 0);
  timer.again();
  CHECK_FALSE(timer.active());
}

LOOP_TEST_CASE("a callback may destroy its own watcher") {
  auto loop = make_loop();
  static std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(*loop, 0, 0.001, [](Watcher&, int) noexcept { timer.reset(); }, nullptr);
  timer->start();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  CHECK(timer == nullptr);
}

LOOP_TEST_CASE("a watcher that outlives its loop can still be stopped, started and destroyed") {
  auto loop = make_loop();
  Counter counter;
  Timer timer(*loop, 1, 0, Counter::on_event, &counter);
  Stat stat(*loop, "/", 0, Counter::on_event, &counter);
  Child child(*loop, ::getppid(), Counter::on_event, &counter);
  timer.start();
  stat.start();
  child.start();
  loop.reset();
  CHECK(timer.loop() == nullptr);
  timer.stop();
  timer.start();
  timer.feed(kTimerEvent);
  CHECK_FALSE(timer.active());
  CHECK_FALSE(child.active());
}

LOOP_TEST_CASE("feeding calls back once in the next round, and stopping takes it back") {
  auto loop = make_loop();
  Counter counter;
  Timer timer(*loop, 1, 0, Counter::on_event, &counter);
  timer.feed(kTimerEvent);
  CHECK(timer.pending());
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
  CHECK(counter.last_events == kTimerEvent);
  timer.feed(kTimerEvent);
  timer.stop();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("of two events in one round the higher priority is called first") {
  auto loop = make_loop();
  static std::string order;
  order.clear();
  Idle low(*loop, [](Watcher&, int) noexcept { order += "low "; }, nullptr);
  Idle high(*loop, [](Watcher&, int) noexcept { order += "high "; }, nullptr);
  low.set_priority(-1);
  high.set_priority(2);
  low.feed(kIdleEvent);
  high.feed(kIdleEvent);
  loop->run(Loop::Mode::kNowait);
  CHECK(order == "high low ");
}

LOOP_TEST_CASE("prepare comes before the poll and check after it; idle when there is nothing else") {
  auto loop = make_loop();
  static std::string order;
  order.clear();
  Prepare prepare(*loop, [](Watcher& watcher, int) noexcept { order += "prepare ", watcher.stop(); }, nullptr);
  Check check(*loop, [](Watcher& watcher, int) noexcept { order += "check ", watcher.stop(); }, nullptr);
  Idle idle(*loop, [](Watcher& watcher, int) noexcept { order += "idle ", watcher.stop(); }, nullptr);
  idle.start();
  check.start();
  prepare.start();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  CHECK(order == "prepare check idle ");
}

LOOP_TEST_CASE("an async watcher is set off from another thread") {
  auto loop = make_loop();
  Counter counter;
  Async async(*loop, Counter::on_event, &counter);
  async.start();
  CHECK_FALSE(async.sent());
  std::thread other([&async] { async.send(); });
  loop->run(Loop::Mode::kOnce);
  other.join();
  CHECK(turn_until(*loop, [&] { return counter.calls == 1; }));
}

LOOP_TEST_CASE("a signal watcher hears its signal, and gives it back to whoever had it") {
  static int handled;
  handled = 0;
  struct sigaction mine = {}, before = {};
  mine.sa_handler = [](int) { ++handled; };
  ::sigaction(SIGUSR1, &mine, &before);

  auto loop = make_loop();
  Counter counter;
  Signal first(*loop, SIGUSR1, Counter::on_event, &counter);
  Signal second(*loop, SIGUSR1, Counter::on_event, &counter);
  first.start();
  second.start();
  ::raise(SIGUSR1);
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 2);
  CHECK(handled == 0);
  first.stop();
  ::raise(SIGUSR1);
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 3);
  second.stop();
  ::raise(SIGUSR1);
  CHECK(handled == 1);

  // Somebody else's handler, installed meanwhile, stays.
  first.start();
  struct sigaction theirs = {};
  theirs.sa_handler = [](int) { handled += 10; };
  ::sigaction(SIGUSR1, &theirs, nullptr);
  first.stop();
  ::raise(SIGUSR1);
  CHECK(handled == 11);
  ::sigaction(SIGUSR1, &before, nullptr);
}

LOOP_TEST_CASE("a signal that another loop watches cannot be had, until that loop lets it go") {
  auto loop = make_loop();
  auto other = make_loop();
  Counter counter;
  Signal theirs(*other, SIGUSR1, Counter::on_event, &counter);
  Signal ours(*loop, SIGUSR1, Counter::on_event, &counter);
  theirs.start();
  ours.start();
  CHECK_FALSE(ours.active());
  other.reset();
  ours.start();
  CHECK(ours.active());
}

LOOP_TEST_CASE("a stat watcher tells what a file was and is") {
  auto loop = make_loop();
  char path[] = "/tmp/gevent_stat_test_XXXXXX";
  OwnedFd file(::mkstemp(path));
  REQUIRE(file.valid());
  Counter counter;
  Stat stat(*loop, path, 0.01, Counter::on_event, &counter);
  stat.start();
  CHECK(stat.active());
  CHECK(stat.interval_s > 0.05);  // raised to what libev can do
  CHECK(stat.attributes.st_nlink == 1);
  REQUIRE(::write(file.get(), "x", 1) == 1);
  CHECK(turn_until(*loop, [&] { return counter.calls >= 1; }));
  CHECK(stat.previous.st_size == 0);
  CHECK(stat.attributes.st_size == 1);
  ::unlink(path);
  CHECK(turn_until(*loop, [&] { return stat.attributes.st_nlink == 0; }));
}
