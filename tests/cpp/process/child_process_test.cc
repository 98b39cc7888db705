#include "process/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "doctest/doctest.h"
#include "loop/libev/libev_loop.h"

using gevent::ChildProcess;

namespace {

std::unique_ptr<gevent::Loop> make_loop() { return gevent::make_libev_loop(0).value(); }

struct CountingWaiter : gevent::Waiter {
  void wake() noexcept override { ++woken; }
  int woken = 0;
};

int exit_code_of(const gevent::ChildProcess& child) {
  const int status = child.status();  // Darwin's macro takes an address
  return WEXITSTATUS(status);
}

int ends = 0;
void count_end(void*) noexcept { ++ends; }

// A child that ends with `code` as soon as the pipe's other end is closed.
struct WaitingChild {
  explicit WaitingChild(int code) {
    int ends_of_pipe[2];
    REQUIRE(::pipe(ends_of_pipe) == 0);
    pid = ::fork();
    if (pid == 0) {
      ::close(ends_of_pipe[1]);
      char byte;
      const auto ignored = ::read(ends_of_pipe[0], &byte, 1);
      static_cast<void>(ignored);
      ::_exit(code);
    }
    ::close(ends_of_pipe[0]);
    write_end = ends_of_pipe[1];
  }
  void let_end() { ::close(write_end); }
  // Without reaping it.
  void wait_until_ended() const {
    siginfo_t info;
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  }
  int pid;
  int write_end;
};

}  // namespace

TEST_CASE("a loop that watches a child keeps its status and wakes all who wait, and reap() lets the system forget it") {
  auto loop = make_loop();
  ends = 0;
  WaitingChild process(7);
  ChildProcess child(process.pid, &count_end, nullptr);
  CountingWaiter first, second;
  child.waiters.enqueue(first);
  child.waiters.enqueue(second);
  child.watch(*loop, true);
  CHECK_FALSE(child.poll());
  process.let_end();
  loop->run(gevent::Loop::Mode::kDefault);
  CHECK(child.ended());
  CHECK(exit_code_of(child) == 7);
  CHECK(first.woken == 1);
  CHECK(second.woken == 1);
  CHECK(ends == 1);
  process.wait_until_ended();
  child.reap();
  CHECK(::waitpid(process.pid, nullptr, WNOHANG) == -1);
}

TEST_CASE("a child that has ended can be waited for by the system's own calls until its ChildProcess goes") {
  auto loop = make_loop();
  WaitingChild first(1), second(2);
  {
    ChildProcess child(first.pid, &count_end, nullptr), other(second.pid, &count_end, nullptr);
    child.watch(*loop, true);
    other.watch(*loop, true);
    first.let_end();
    second.let_end();
    loop->run(gevent::Loop::Mode::kDefault);
    int status = 0;
    CHECK(::waitpid(first.pid, &status, WNOHANG) == first.pid);
    CHECK(WEXITSTATUS(status) == 1);
  }
  CHECK(::waitpid(second.pid, nullptr, WNOHANG) == -1);
}

TEST_CASE("poll() sees an end that no loop has had time to see, and the loop then reports nothing") {
  auto loop = make_loop();
  ends = 0;
  WaitingChild process(3);
  ChildProcess child(process.pid, &count_end, nullptr);
  child.watch(*loop, true);
  process.let_end();
  process.wait_until_ended();
  CHECK(child.poll());
  CHECK(exit_code_of(child) == 3);
  CHECK_FALSE(child.watched_by(*loop));
  CHECK_FALSE(loop->run(gevent::Loop::Mode::kNowait));
  CHECK(ends == 1);
}

TEST_CASE("two loops may watch one child, and whichever runs first sees the end") {
  auto one = make_loop();
  auto other = make_loop();
  ends = 0;
  WaitingChild process(0);
  ChildProcess child(process.pid, &count_end, nullptr);
  child.watch(*one, true);
  child.watch(*other, true);
  process.let_end();
  other->run(gevent::Loop::Mode::kDefault);
  CHECK(child.ended());
  CHECK_FALSE(one->run(gevent::Loop::Mode::kNowait));
  CHECK(ends == 1);
}

TEST_CASE("a child that somebody else reaped has ended all the same") {
  ends = 0;
  WaitingChild process(5);
  ChildProcess child(process.pid, &count_end, nullptr);
  process.let_end();
  int status = 0;
  CHECK(::waitpid(process.pid, &status, 0) == process.pid);
  SUBCASE("and says with what") {
    child.end(status);
    CHECK(exit_code_of(child) == 5);
    child.end(0);
    CHECK(exit_code_of(child) == 5);
  }
  SUBCASE("and does not say") {
    CHECK(child.poll());
    CHECK(child.lost());
    CHECK(child.status() == 0);
  }
  CHECK(ends == 1);
}

TEST_CASE("watching without ref does not keep the loop running") {
  auto loop = make_loop();
  WaitingChild process(0);
  ChildProcess child(process.pid, &count_end, nullptr);
  child.watch(*loop, false);
  CHECK_FALSE(loop->run(gevent::Loop::Mode::kDefault));
  child.watch(*loop, true);
  process.let_end();
  loop->run(gevent::Loop::Mode::kDefault);
  CHECK(child.ended());
}
