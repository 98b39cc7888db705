// The two ends of a pipe, for what waits for descriptors.
#pragma once
#include <doctest/doctest.h>
#include <unistd.h>

#include "base/owned_fd.h"

namespace gevent::testing {

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    reading = OwnedFd(ends[0]);
    writing = OwnedFd(ends[1]);
  }
  void put() const { REQUIRE(::write(writing.get(), "x", 1) == 1); }

  OwnedFd reading, writing;
};

}  // namespace gevent::testing
