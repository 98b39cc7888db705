#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
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

struct CountingClient : LoopClient {
  void before_block() noexcept override { ++blocks; }
  void after_block() noexcept override { ++unblocks; }
  void turn() noexcept override { ++turns; }
  int blocks = 0, unblocks = 0, turns = 0;
};

void push(Loop& loop, Counter& counter) {
  loop.ready.push({[](void* target, void*) noexcept { ++static_cast<Counter*>(target)->calls; }, &counter, nullptr});
}

double seconds_since(Nanoseconds start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

LOOP_TEST_CASE("run() returns at once when there is nothing to wait for") {
  auto loop = make_loop();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  CHECK_FALSE(loop->running());
}

LOOP_TEST_CASE("run() runs what is ready, and what that makes ready, before it returns") {
  auto loop = make_loop();
  static Loop* current;
  current = loop.get();
  Counter last;
  loop->ready.push(
      {[](void* target, void*) noexcept { push(*current, *static_cast<Counter*>(target)); }, &last, nullptr});
  loop->run(Loop::Mode::kDefault);
  CHECK(last.calls == 1);
}

LOOP_TEST_CASE("a nowait round runs what is ready first and never blocks") {
  auto loop = make_loop();
  CountingClient client;
  loop->client = &client;
  Counter counter;
  Timer timer(*loop, 60, 0, Counter::on_event, &counter);
  timer.start();
  push(*loop, counter);
  CHECK(loop->run(Loop::Mode::kNowait));
  CHECK(counter.calls == 1);
  CHECK(client.blocks == 0);
  CHECK(client.turns == 1);
}

LOOP_TEST_CASE("a round of one poll also runs what became ready through that poll") {
  auto loop = make_loop();
  static Loop* current;
  current = loop.get();
  Counter counter;
  Timer timer(
      *loop, 0.001, 0, [](Watcher& watcher, int) noexcept { push(*current, *static_cast<Counter*>(watcher.owner)); },
      &counter);
  timer.start();
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("the client's lock is given up only around a poll that may block, and blocked() says so meanwhile") {
  auto loop = make_loop();
  struct Client final : CountingClient {
    void before_block() noexcept override {
      CountingClient::before_block();
      blocked_before = loop->blocked();
    }
    void after_block() noexcept override {
      CountingClient::after_block();
      blocked_after = loop->blocked();
    }
    Loop* loop = nullptr;
    bool blocked_before = false, blocked_after = false;
  } client;
  client.loop = loop.get();
  loop->client = &client;
  Counter counter;
  push(*loop, counter);
  loop->run(Loop::Mode::kNowait);
  CHECK(client.blocks == 0);

  Timer timer(*loop, 0.001, 0, Counter::on_event, &counter);
  timer.start();
  loop->run(Loop::Mode::kDefault);
  CHECK(client.blocks >= 1);
  CHECK(client.blocks == client.unblocks);
  CHECK(client.blocked_before);
  CHECK(client.blocked_after);  // until the lock is back
  CHECK_FALSE(loop->blocked());
}

LOOP_TEST_CASE("what a prepare watcher makes ready keeps the poll from blocking") {
  auto loop = make_loop();
  static Loop* current;
  current = loop.get();
  Counter counter;
  Timer far(*loop, 60, 0, Counter::on_event, &counter);
  far.start();
  Prepare prepare(
      *loop,
      [](Watcher& watcher, int) noexcept {
        push(*current, *static_cast<Counter*>(watcher.owner));
        watcher.stop();
      },
      &counter);
  prepare.start();
  const auto start = Clock::now();
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
  CHECK(seconds_since(start) < 5);
}

LOOP_TEST_CASE("a busy ready queue does not starve watchers") {
  auto loop = make_loop();
  static Loop* current;
  static bool fired;
  current = loop.get();
  fired = false;
  Timer timer(*loop, 0.01, 0, [](Watcher&, int) noexcept { fired = true; }, nullptr);
  timer.start();
  static ReadyEntry::Run again = [](void*, void*) noexcept {
    if (!fired) current->ready.push({again, nullptr, nullptr});
  };
  current->ready.push({again, nullptr, nullptr});
  loop->run(Loop::Mode::kDefault);
  CHECK(fired);
}

LOOP_TEST_CASE("a turn ends by count") {
  auto loop = make_loop();
  loop->turn_length = std::chrono::hours(1);
  Counter counter;
  for (int i = 0; i < 1000; ++i) push(*loop, counter);
  CountingClient client;
  loop->client = &client;
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 512);  // one turn before the poll, one after
  CHECK(client.turns == 1);
}

LOOP_TEST_CASE("stop() ends the innermost run(), stop(all) those around it too") {
  auto loop = make_loop();
  static Loop* current;
  static int after_inner;
  current = loop.get();
  for (const bool all : {false, true}) {
    after_inner = 0;
    static bool stop_all;
    stop_all = all;
    Timer inner(
        *loop, 0.002, 0.002,
        [](Watcher& watcher, int) noexcept {
          watcher.stop();
          current->stop(stop_all);
        },
        nullptr);
    Timer outer(*loop, 0.001, 0, [](Watcher&, int) noexcept { current->run(Loop::Mode::kDefault); }, nullptr);
    // Only a run() that goes on waits for it, however long the machine takes for the others.
    Timer later(*loop, all ? 60 : 0.02, 0, [](Watcher&, int) noexcept { ++after_inner; }, nullptr);
    inner.start();
    outer.start();
    later.start();
    loop->run(Loop::Mode::kDefault);
    CHECK(after_inner == (all ? 0 : 1));
  }
}

LOOP_TEST_CASE("wake_up() from another thread ends a blocking poll") {
  auto loop = make_loop();
  Counter counter;
  Timer far(*loop, 60, 0, Counter::on_event, &counter);
  far.start();
  std::thread other([&loop] { loop->wake_up(); });
  const auto start = Clock::now();
  loop->run(Loop::Mode::kOnce);
  other.join();
  CHECK(seconds_since(start) < 5);
  CHECK(counter.calls == 0);
}

LOOP_TEST_CASE("hold() keeps run() from returning until release()") {
  auto loop = make_loop();
  loop->hold();
  CHECK(loop->facts().active == 1);
  static Loop* current;
  current = loop.get();
  Timer timer(*loop, 0.001, 0, [](Watcher&, int) noexcept { current->release(); }, nullptr);
  timer.set_ref(false);
  timer.start();
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  CHECK(loop->facts().active == 0);
}

LOOP_TEST_CASE("after a fork the child's loop goes on, and the parent's is not disturbed") {
  auto loop = make_loop();
  static int forks;
  forks = 0;
  Fork fork_watcher(*loop, [](Watcher&, int) noexcept { ++forks; }, nullptr);
  fork_watcher.set_ref(false);
  fork_watcher.start();
  Pipe pipe;
  Counter readable;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &readable);
  io.start();
  loop->run(Loop::Mode::kNowait);

  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    io.stop();
    loop->run(Loop::Mode::kNowait);
    ::_exit(forks == 1 && readable.calls == 0 ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  pipe.write("x");
  loop->run(Loop::Mode::kOnce);
  CHECK(readable.calls == 1);
  CHECK(forks == 0);
}

LOOP_TEST_CASE("a loop that slept in another thread during the fork can be run in the child") {
  auto loop = make_loop();
  static std::atomic<bool> asleep;
  asleep = false;
  struct Client final : LoopClient {
    void before_block() noexcept override { asleep = true; }
    void after_block() noexcept override {}
    void turn() noexcept override {}
  } client;
  loop->client = &client;
  Counter counter;
  Async wake(*loop, Counter::on_event, &counter);
  wake.start();
  std::thread sleeper([&loop] { loop->run(Loop::Mode::kOnce); });
  while (!asleep) std::this_thread::yield();
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    Timer timer(*loop, 0.001, 0, Counter::on_event, &counter);
    timer.start();
    loop->run(Loop::Mode::kOnce);
    ::_exit(counter.calls == 1 && !loop->running() ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  wake.send();
  sleeper.join();
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("an abandoned loop never touches its engine: the parent's registrations stay") {
  auto loop = make_loop();
  Pipe pipe;
  Counter readable;
  auto io = std::make_unique<Io>(*loop, pipe.read_end(), kRead, Counter::on_event, &readable);
  io->start();
  loop->run(Loop::Mode::kNowait);

  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    loop->abandon();
    const bool refuses = !loop->run(Loop::Mode::kDefault) && !io->active();
    io->start();
    const bool stays_inactive = !io->active();
    io.reset();
    auto* fresh = new std::unique_ptr<Loop>(make_loop());  // another loop may live beside it
    Counter counter;
    Timer timer(**fresh, 0.001, 0, Counter::on_event, &counter);
    timer.start();
    (*fresh)->run(Loop::Mode::kDefault);
    loop.reset();
    ::_exit(refuses && stays_inactive && counter.calls == 1 ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  pipe.write("x");
  loop->run(Loop::Mode::kOnce);
  CHECK(readable.calls == 1);
}

LOOP_TEST_CASE("abandoning gives signals back, so that a new loop may watch them") {
  auto loop = make_loop();
  Signal inherited(*loop, SIGUSR1, Counter::on_event, nullptr);
  inherited.start();
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    loop->abandon();
    auto fresh = make_loop();
    Counter counter;
    Signal signal(*fresh, SIGUSR1, Counter::on_event, &counter);
    signal.start();
    ::raise(SIGUSR1);
    fresh->run(Loop::Mode::kOnce);
    ::_exit(counter.calls == 1 ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  inherited.stop();
}

LOOP_TEST_CASE("a loop whose own descriptor was closed makes a new one at the next poll") {
  auto loop = make_loop();
  loop->run(Loop::Mode::kNowait);
  const int descriptor = loop->facts().descriptor;
  if (descriptor < 0) return;
  ::close(descriptor);
  Counter counter;
  Timer timer(*loop, 0.001, 0, Counter::on_event, &counter);
  timer.start();
  loop->run(Loop::Mode::kDefault);
  CHECK(counter.calls == 1);
}
