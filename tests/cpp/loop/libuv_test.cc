// What the engine on libuv promises beyond what every engine does, and the parts it is made of.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "loop/engines.h"
#include "loop/libuv/timer_heap.h"

using namespace gevent;
using testing::Counter;
using testing::make_loop;
using testing::Pipe;

namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

bool is_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

void use_libuv() { testing::engine = testing::Engine::kLibuv; }

}  // namespace

LOOP_TEST_CASE("watching a descriptor does not make it non-blocking") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(is_blocking(pipe.read_end()));
}

LOOP_TEST_CASE("what the kernel cannot poll counts as ready") {
  auto loop = make_loop();
  char path[] = "/tmp/gevent_libuv_test_XXXXXX";
  const OwnedFd file(::mkstemp(path));
  ::unlink(path);
  const OwnedFd null(::open("/dev/null", O_RDWR));
  for (const int fd : {file.get(), null.get()}) {
    Counter counter;
    Io io(*loop, fd, kRead | kWrite, Counter::on_event, &counter);
    io.start();
    loop->run(Loop::Mode::kOnce);
    loop->run(Loop::Mode::kOnce);
    CHECK(counter.calls == 2);
    CHECK((counter.last_events & kErrorEvent) == 0);
    io.stop();
    loop->run(Loop::Mode::kNowait);
    CHECK(counter.calls == 2);
  }
}

LOOP_TEST_CASE("watchers of one descriptor each hear of what they wait for, together and alone") {
  auto loop = make_loop();
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const OwnedFd here(ends[0]), there(ends[1]);
  Counter reads, writes;
  Io reader(*loop, here.get(), kRead, Counter::on_event, &reads);
  Io writer(*loop, here.get(), kWrite, Counter::on_event, &writes);
  reader.start();
  writer.start();
  CHECK(loop->awaited_events(here.get()) == (kRead | kWrite));
  loop->run(Loop::Mode::kOnce);
  CHECK(reads.calls == 0);
  CHECK(writes.calls == 1);
  writer.stop();
  CHECK(loop->awaited_events(here.get()) == kRead);
  REQUIRE(::write(there.get(), "x", 1) == 1);
  loop->run(Loop::Mode::kOnce);
  CHECK(reads.calls == 1);
  CHECK(writes.calls == 1);
  reader.stop();
  writer.start();
  loop->run(Loop::Mode::kOnce);
  CHECK(reads.calls == 1);
  CHECK(writes.calls == 2);
}

LOOP_TEST_CASE("a pipe whose reader is gone wakes the writer") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter;
  pipe.close_read_end();
  Io io(*loop, pipe.write_end(), kWrite, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kOnce);
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 2);
}

LOOP_TEST_CASE("data that nobody waits for any more does not keep the loop busy") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter, woken;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  io.stop();
  pipe.write("x");
  Timer timer(*loop, 0.3, 0, Counter::on_event, &woken);
  timer.start();
  const double before = cpu_seconds();
  loop->run(Loop::Mode::kDefault);
  CHECK(cpu_seconds() - before < 0.15);
  CHECK(counter.calls == 0);
  CHECK(woken.calls == 1);
  io.start();
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("a descriptor closed too early, whose file lives on elsewhere, does not keep the loop busy") {
  auto loop = make_loop();
  auto pipe = std::make_unique<Pipe>();
  const OwnedFd reader(::dup(pipe->read_end()));
  const OwnedFd writer(::dup(pipe->write_end()));
  Counter counter;
  Io io(*loop, pipe->read_end(), kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  io.stop();
  pipe.reset();
  REQUIRE(::write(writer.get(), "x", 1) == 1);
  Timer timer(*loop, 0.3, 0, Counter::on_event, &counter);
  timer.start();
  const double before = cpu_seconds();
  loop->run(Loop::Mode::kDefault);
  CHECK(cpu_seconds() - before < 0.15);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("a forgotten descriptor may be closed, and its number be another file's") {
  auto loop = make_loop();
  Counter counter;
  auto first = std::make_unique<Pipe>();
  const int number = first->read_end();
  const OwnedFd alive(::dup(first->read_end()));
  Io io(*loop, number, kRead, Counter::on_event, &counter);
  io.start();
  loop->run(Loop::Mode::kNowait);
  first->write("x");
  io.forget();
  CHECK_FALSE(io.active());
  first.reset();
  Pipe second;
  if (second.read_end() != number) return;
  io.set(number, kRead);
  io.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 0);
  second.write("x");
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("a child that has closed every descriptor can go on with the loop") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter;
  Io io(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  io.start();
  Signal signal(*loop, SIGUSR1, Counter::on_event, nullptr);
  signal.set_ref(false);
  signal.start();
  loop->run(Loop::Mode::kNowait);
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (int fd = 3; fd < 64; ++fd) ::close(fd);
    static Counter fired;
    Timer timer(*loop, 0.001, 0, Counter::on_event, &fired);
    timer.start();
    loop->run(Loop::Mode::kOnce);  // the pipe's watcher meets its error
    loop->run(Loop::Mode::kOnce);
    ::_exit(fired.calls == 1 && counter.calls == 1 && (counter.last_events & kErrorEvent) != 0 ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  pipe.write("x");
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE(
    "stopping a watcher in a forked child that never runs the loop leaves the parent's registrations alone") {
  auto loop = make_loop();
  Pipe pipe;
  Counter counter;
  auto io = std::make_unique<Io>(*loop, pipe.read_end(), kRead, Counter::on_event, &counter);
  io->start();
  loop->run(Loop::Mode::kNowait);
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    io.reset();
    loop.reset();
    ::_exit(0);
  }
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  pipe.write("x");
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
}

TEST_CASE("libuv: a sleep ends neither early nor a whole millisecond late") {
  use_libuv();
  auto loop = make_loop();
  double least_overshoot = 1;
  for (int i = 0; i < 20; ++i) {
    Counter counter;
    Timer timer(*loop, 0.0003, 0, Counter::on_event, &counter);
    const auto start = Clock::now();
    timer.start();
    while (counter.calls == 0) loop->run(Loop::Mode::kOnce);
    const double overshoot = std::chrono::duration<double>(Clock::now() - start).count() - 0.0003;
    CHECK(overshoot >= 0);
    least_overshoot = std::min(least_overshoot, overshoot);
  }
  CHECK(least_overshoot < 0.0005);
}

TEST_CASE("libuv: timers come out of the heap in order, whatever was removed and moved meanwhile") {
  use_libuv();
  auto loop = make_loop();
  TimerHeap heap;
  std::vector<std::unique_ptr<Timer>> timers;
  std::uint32_t random = 1;
  const auto next_random = [&random] { return (random = random * 1664525 + 1013904223) >> 16; };
  for (int i = 0; i < 500; ++i) {
    timers.push_back(std::make_unique<Timer>(*loop, 0, 0, Counter::on_event, nullptr));
    heap.add(*timers.back(), next_random() % 100);
  }
  for (int i = 0; i < 500; i += 3) heap.remove(*timers[static_cast<std::size_t>(i)]);
  for (int i = 1; i < 500; i += 3) heap.move(*timers[static_cast<std::size_t>(i)], next_random() % 100);
  std::size_t left = 500 - 167;
  CHECK(heap.size() == left);
  double last = -1;
  for (; !heap.empty(); --left) {
    REQUIRE(heap.next_at() >= last);
    last = heap.next_at();
    heap.remove(heap.next());
  }
  CHECK(left == 0);
}
