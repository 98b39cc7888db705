// Two connected sockets that do not block.
#pragma once
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "base/descriptor_mode.h"
#include "base/owned_fd.h"

namespace gevent::testing {

// On the heap where greenlets use it: their C stacks are copied away.
struct SocketEnds {
  SocketEnds() {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    here = OwnedFd(both[0]);
    there = OwnedFd(both[1]);
    for (const int fd : both) REQUIRE(make_nonblocking(fd) >= 0);
  }

  OwnedFd here, there;
};

}  // namespace gevent::testing
