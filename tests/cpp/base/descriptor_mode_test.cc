#include "base/descriptor_mode.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/owned_fd.h"

namespace gevent {
namespace {

TEST_CASE("a descriptor is a disk's, perhaps a terminal's, or another one") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const OwnedFd reading(ends[0]), writing(ends[1]);
  CHECK(kind_of_descriptor(reading.get()) == kOther);
  const OwnedFd null(::open("/dev/null", O_RDONLY));
  CHECK(kind_of_descriptor(null.get()) == kTerminalPerhaps);
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  CHECK(kind_of_descriptor(::fileno(file)) == kDisk);
  std::fclose(file);
}

TEST_CASE("what is not open is of no kind, and does not block") {
  errno = 0;
  CHECK(kind_of_descriptor(1 << 20) == kUnknown);
  CHECK(errno == EBADF);
  CHECK_FALSE(blocks(1 << 20));
  CHECK(make_nonblocking(1 << 20) == -1);
}

TEST_CASE("a descriptor blocks until it is made not to") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const OwnedFd reading(ends[0]), writing(ends[1]);
  CHECK(blocks(reading.get()));
  CHECK(make_nonblocking(reading.get()) >= 0);
  CHECK_FALSE(blocks(reading.get()));
  CHECK(blocks(writing.get()));
  CHECK(make_nonblocking(reading.get()) >= 0);
  char byte = 0;
  CHECK(::read(reading.get(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);
}

}  // namespace
}  // namespace gevent
