#include "base/owned_fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace gevent;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
OwnedFd open_something() { return OwnedFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
}  // namespace

TEST_CASE("a descriptor is closed with its owner, not before") {
  int number = -1;
  {
    OwnedFd fd = open_something();
    REQUIRE(fd.valid());
    number = fd.get();
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("moving hands the descriptor over and closes what was there") {
  OwnedFd first = open_something();
  OwnedFd second = open_something();
  const int kept = first.get();
  const int dropped = second.get();
  second = std::move(first);
  CHECK(second.get() == kept);
  CHECK(is_open(kept));
  CHECK_FALSE(is_open(dropped));
}

TEST_CASE("release() gives the descriptor away") {
  OwnedFd fd = open_something();
  const int number = fd.release();
  CHECK_FALSE(fd.valid());
  fd.reset();
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("closing keeps errno for the error path that it is part of") {
  OwnedFd fd(1'000'000);  // no such descriptor: close() fails
  errno = EDOM;
  fd.reset();
  CHECK(errno == EDOM);
}
