#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "loop/engines.h"
#include "loop/process_end.h"

using namespace gevent;
using testing::Counter;
using testing::make_loop;

namespace {

int fork_child(int exit_code) {
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) ::_exit(exit_code);
  return pid;
}

int fork_child_until_killed() {
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    for (;;) ::pause();
  }
  return pid;
}

bool has_ended(int pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0;
}

bool is_reaped(int pid) { return ::waitpid(pid, nullptr, WNOHANG) < 0 && errno == ECHILD; }

// Every case in both ways: with a pidfd (or kqueue), and as where there is none.
struct EitherWay {
  explicit EitherWay(bool pidfd) { ProcessEnd::allowed = pidfd; }
  ~EitherWay() { ProcessEnd::allowed = true; }
};

}  // namespace

LOOP_TEST_CASE("a child's exit status is told once, and the child is reaped") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    Child child(*loop, fork_child(3), Counter::on_event, &counter);
    child.start();
    CHECK(child.active());
    CHECK_FALSE(loop->run(Loop::Mode::kDefault));
    CHECK(counter.calls == 1);
    CHECK(counter.last_events == kChildEvent);
    CHECK(child.rpid == child.pid);
    CHECK(WIFEXITED(child.rstatus));
    CHECK(WEXITSTATUS(child.rstatus) == 3);
    CHECK_FALSE(child.active());
    CHECK(is_reaped(child.pid));
  }
}

LOOP_TEST_CASE("a child that was killed is told apart from one that exited") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    Child child(*loop, fork_child_until_killed(), Counter::on_event, &counter);
    child.start();
    ::kill(child.pid, SIGKILL);
    loop->run(Loop::Mode::kDefault);
    CHECK(WIFSIGNALED(child.rstatus));
    CHECK(WTERMSIG(child.rstatus) == SIGKILL);
  }
}

LOOP_TEST_CASE("a child that ended before anybody watched is still reported") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    const int pid = fork_child(4);
    REQUIRE(has_ended(pid));
    Child child(*loop, pid, Counter::on_event, &counter);
    child.start();
    loop->run(Loop::Mode::kDefault);
    CHECK(counter.calls == 1);
    CHECK(WEXITSTATUS(child.rstatus) == 4);
  }
}

LOOP_TEST_CASE("a child that somebody else has reaped is reported without a status") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    const int pid = fork_child(5);
    REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    Child child(*loop, pid, Counter::on_event, &counter);
    child.start();
    loop->run(Loop::Mode::kDefault);
    CHECK(counter.calls == 1);
    CHECK(child.rpid == pid);
    CHECK(child.rstatus == 0);
  }
}

LOOP_TEST_CASE("a child reaped by others while it is watched is reported too") {
  auto loop = make_loop();
  Counter counter;
  Child child(*loop, fork_child_until_killed(), Counter::on_event, &counter);
  child.start();
  loop->run(Loop::Mode::kNowait);
  ::kill(child.pid, SIGKILL);
  REQUIRE(::waitpid(child.pid, nullptr, 0) == child.pid);
  loop->run(Loop::Mode::kDefault);
  CHECK(counter.calls == 1);
  CHECK(child.rpid == child.pid);
}

LOOP_TEST_CASE("only the watched child is reaped") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    const int unwatched = fork_child(1);
    Child child(*loop, fork_child(2), Counter::on_event, &counter);
    child.start();
    loop->run(Loop::Mode::kDefault);
    CHECK(WEXITSTATUS(child.rstatus) == 2);
    int status = 0;
    CHECK(::waitpid(unwatched, &status, 0) == unwatched);
    CHECK(WEXITSTATUS(status) == 1);
  }
}

LOOP_TEST_CASE("many children, each told to its own watcher") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 20; ++i) {
      children.push_back(std::make_unique<Child>(*loop, fork_child(i), Counter::on_event, &counter));
      children.back()->start();
    }
    loop->run(Loop::Mode::kDefault);
    CHECK(counter.calls == 20);
    for (int i = 0; i < 20; ++i) CHECK(WEXITSTATUS(children[static_cast<std::size_t>(i)]->rstatus) == i);
  }
}

LOOP_TEST_CASE("a stopped watcher leaves the child to others, and no descriptor behind") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    const OwnedFd next_before(::dup(0));
    const int free_number = ::dup(0);
    ::close(free_number);
    Child child(*loop, fork_child(6), Counter::on_event, &counter);
    child.start();
    child.stop();
    loop->run(Loop::Mode::kNowait);
    CHECK(counter.calls == 0);
    int status = 0;
    CHECK(::waitpid(child.pid, &status, 0) == child.pid);
    CHECK(WEXITSTATUS(status) == 6);
    const int after = ::dup(0);
    CHECK(after == free_number);
    ::close(after);
  }
}

LOOP_TEST_CASE("SIGCHLD stays with whoever has it") {
  if (!ProcessEnd::open(::getpid()).ok()) return;  // SIGCHLD is all that this kernel has
  static int signals;
  signals = 0;
  struct sigaction mine = {}, before = {};
  mine.sa_handler = [](int) { ++signals; };
  ::sigaction(SIGCHLD, &mine, &before);
  auto loop = make_loop();
  Counter counter;
  Child child(*loop, fork_child(0), Counter::on_event, &counter);
  child.start();
  loop->run(Loop::Mode::kDefault);
  CHECK(counter.calls == 1);
  CHECK(signals == 1);
  ::sigaction(SIGCHLD, &before, nullptr);
}

LOOP_TEST_CASE("a child is watched from any loop in any thread, even where SIGCHLD is another loop's") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto main_loop = make_loop();
    Signal sigchld(*main_loop, SIGCHLD, Counter::on_event, nullptr);
    sigchld.set_ref(false);
    Counter of_signal;
    sigchld.owner = &of_signal;
    sigchld.start();
    const int pid = fork_child(7);
    int status = 0;
    std::thread other([&status, pid] {
      auto loop = make_loop();
      Counter counter;
      Child child(*loop, pid, Counter::on_event, &counter);
      child.start();
      loop->run(Loop::Mode::kDefault);
      status = child.rstatus;
    });
    other.join();
    CHECK(WEXITSTATUS(status) == 7);
  }
}

LOOP_TEST_CASE("a child watcher without ref does not keep the loop running") {
  for (const bool pidfd : {true, false}) {
    EitherWay way(pidfd);
    auto loop = make_loop();
    Counter counter;
    Child child(*loop, fork_child_until_killed(), Counter::on_event, &counter);
    child.set_ref(false);
    child.start();
    CHECK_FALSE(loop->run(Loop::Mode::kDefault));
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
  }
}
