#include "loop/signal_descriptor.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <pthread.h>

#include "base/owned_fd.h"

namespace gevent {
namespace {

#ifdef __linux__
TEST_CASE("a signal that is blocked and pending can be read") {
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGWINCH);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &signals, &before) == 0);
  {
    const OwnedFd descriptor(open_signal_descriptor(signals));
    REQUIRE(descriptor.valid());
    pollfd asked{descriptor.get(), POLLIN, 0};
    CHECK(::poll(&asked, 1, 0) == 0);
    REQUIRE(pthread_kill(pthread_self(), SIGWINCH) == 0);
    CHECK(::poll(&asked, 1, 0) == 1);
    int taken = 0;
    CHECK(sigwait(&signals, &taken) == 0);
    CHECK(taken == SIGWINCH);
  }
  REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}
#endif

TEST_CASE("whether a signal's handler lets calls go on is the system's to say") {
  struct sigaction before = {}, wanted = {};
  REQUIRE(::sigaction(SIGWINCH, nullptr, &before) == 0);
  wanted.sa_handler = [](int) {};
  for (const bool restarts : {true, false}) {
    wanted.sa_flags = restarts ? SA_RESTART : 0;
    REQUIRE(::sigaction(SIGWINCH, &wanted, nullptr) == 0);
    CHECK(restarts_calls(SIGWINCH) == restarts);
  }
  REQUIRE(::sigaction(SIGWINCH, &before, nullptr) == 0);
  CHECK_FALSE(restarts_calls(100000));
}

}  // namespace
}  // namespace gevent
