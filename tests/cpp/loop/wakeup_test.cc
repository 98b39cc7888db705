#include "loop/wakeup.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "loop/engines.h"

using namespace gevent;
using testing::Counter;
using testing::make_loop;

namespace {

std::vector<std::pair<std::string, Wakeup::Kind>> kinds() {
  std::vector<std::pair<std::string, Wakeup::Kind>> those;
  for (const auto& [name, kind] :
       {std::pair("eventfd", Wakeup::Kind::kEventfd), std::pair("kqueue", Wakeup::Kind::kKqueue),
        std::pair("pipe", Wakeup::Kind::kPipe)}) {
    if (Wakeup::available(kind)) those.emplace_back(name, kind);
  }
  return those;
}

bool readable(const Wakeup& wakeup) {
  pollfd look{wakeup.fd(), POLLIN, 0};
  return ::poll(&look, 1, 0) == 1;
}

// For as long as it lives, GEVENT_WAKEUP has this value.
class Chosen {
 public:
  explicit Chosen(const char* name) { ::setenv("GEVENT_WAKEUP", name, 1); }
  ~Chosen() { ::unsetenv("GEVENT_WAKEUP"); }
};

// Runs `body` in a forked child; whether it returned true.
template <typename Body>
bool in_child(Body body) {
  const int pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::alarm(60);
    ::_exit(body() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status == 0;
}

}  // namespace

TEST_CASE("a wakeup is readable from its first ring until it is heard, whatever it is made of") {
  for (const auto& [name, kind] : kinds()) {
    CAPTURE(name);
    Wakeup wakeup;
    REQUIRE(wakeup.open(kind).ok());
    CHECK_FALSE(readable(wakeup));
    for (int round = 0; round < 3; ++round) {
      wakeup.ring();
      wakeup.ring();
      CHECK(readable(wakeup));
      wakeup.hear();
      CHECK_FALSE(readable(wakeup));
      wakeup.hear();
    }
  }
}

TEST_CASE("a ring leaves errno alone, and a wakeup is closed on exec") {
  for (const auto& [name, kind] : kinds()) {
    CAPTURE(name);
    Wakeup wakeup;
    REQUIRE(wakeup.open(kind).ok());
    CHECK((::fcntl(wakeup.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    errno = E2BIG;
    wakeup.ring();
    CHECK(errno == E2BIG);
  }
}

TEST_CASE("the environment chooses a wakeup, and is told when there is no such one") {
  for (const auto& [name, kind] : kinds()) {
    const Chosen chosen(name.c_str());
    CHECK(Wakeup::preferred().value() == kind);
  }
  {
    const Chosen chosen("carrier pigeon");
    CHECK(Wakeup::preferred().error().code() == EINVAL);
    CHECK_FALSE(make_libev_loop(0).ok());
    CHECK_FALSE(make_libuv_loop().ok());
  }
  {
    const Chosen chosen("");
    CHECK(Wakeup::preferred().value() == kinds().front().second);
  }
}

TEST_CASE("after reset() a child's rings are not heard in the parent, nor the parent's in the child") {
  for (const auto& [name, kind] : kinds()) {
    CAPTURE(name);
    Wakeup wakeup;
    REQUIRE(wakeup.open(kind).ok());
    const int number = wakeup.fd();
    const bool right = in_child([&wakeup = wakeup, number] {
      if (!wakeup.reset().ok() || wakeup.fd() != number || readable(wakeup)) return false;
      wakeup.ring();
      return readable(wakeup);
    });
    CHECK(right);
    CHECK_FALSE(readable(wakeup));
    const bool rung_anew = in_child([&wakeup = wakeup] {
      wakeup.ring();
      if (!wakeup.reset().ok() || !readable(wakeup)) return false;
      wakeup.hear();
      return !readable(wakeup);
    });
    CHECK(rung_anew);
  }
}

TEST_CASE("reset() finds its numbers again where somebody has closed them") {
  for (const auto& [name, kind] : kinds()) {
    CAPTURE(name);
    Wakeup wakeup;
    REQUIRE(wakeup.open(kind).ok());
    const bool right = in_child([&wakeup = wakeup] {
      const int number = wakeup.fd();
      for (int fd = 3; fd < 256; ++fd) ::close(fd);
      if (!wakeup.reset().ok() || wakeup.fd() != number) return false;
      wakeup.ring();
      if (!readable(wakeup)) return false;
      wakeup.hear();
      return !readable(wakeup) && (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0;
    });
    CHECK(right);
  }
}

TEST_CASE("reset() mixes no ends up where a pipe comes on the number of another end") {
  CHECK(in_child([] {
    const int below = ::dup(0);  // the new pipe's first number; the second is the old one's first
    Wakeup wakeup;
    if (below < 0 || !wakeup.open(Wakeup::Kind::kPipe).ok()) return false;
    const int number = wakeup.fd();
    for (int fd = below; fd < 64; ++fd) ::close(fd);
    if (!wakeup.reset().ok() || wakeup.fd() != number || readable(wakeup)) return false;
    wakeup.ring();
    if (!readable(wakeup)) return false;
    wakeup.hear();
    return !readable(wakeup);
  }));
}

LOOP_TEST_CASE("another thread ends a loop's sleep with each kind of wakeup, also in a child") {
  for (const auto& [name, kind] : kinds()) {
    CAPTURE(name);
    const Chosen chosen(name.c_str());
    auto loop = make_loop();
    // run() comes back by itself only when the loop was woken; the timer is the deadline.
    const auto sleep_and_be_woken = [&loop = *loop] {
      Counter late;
      Timer deadline(loop, 20, 0, Counter::on_event, &late);
      deadline.start();
      for (int round = 0; round < 50; ++round) {
        std::thread other([&loop] { loop.wake_up(); });
        loop.run(Loop::Mode::kOnce);
        other.join();
        loop.run(Loop::Mode::kNowait);
      }
      deadline.stop();
      return late.calls == 0;
    };
    CHECK(sleep_and_be_woken());
    CHECK(in_child(sleep_and_be_woken));
    CHECK(sleep_and_be_woken());
  }
}
