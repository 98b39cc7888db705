#include "ipc/transfer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/owned_fd.h"

namespace gevent {
namespace {

struct Ends {
  OwnedFd reading;
  OwnedFd writing;
};

Ends make_ends(bool sockets) {
  int fds[2];
  REQUIRE((sockets ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : ::pipe(fds)) == 0);
  return {OwnedFd(fds[0]), OwnedFd(fds[1])};
}

ssize_t write_text(int fd, const std::string& first, const std::string& second = "") {
  const iovec pieces[] = {{const_cast<char*>(first.data()), first.size()},
                          {const_cast<char*>(second.data()), second.size()}};
  return write_now(fd, pieces, 2);
}

// Every kind of descriptor, every way not to wait.
template <typename Body>
void for_every_kind(Body body) {
  for (const bool nowait : {true, false}) {
    for (const bool sockets : {true, false}) {
      CAPTURE(nowait);
      CAPTURE(sockets);
      allow_nowait_calls(nowait);
      body(make_ends(sockets));
    }
  }
  allow_nowait_calls(true);
}

}  // namespace

TEST_CASE("what is there is read, in pieces as small as asked, and then nothing is waited for") {
  for_every_kind([](Ends ends) {
    char into[64] = {};
    CHECK(read_now(ends.reading.get(), into, sizeof into) == -1);
    CHECK(errno == EAGAIN);
    CHECK(write_text(ends.writing.get(), "head", "tail") == 8);
    CHECK(read_now(ends.reading.get(), into, 3) == 3);
    CHECK(std::string(into, 3) == "hea");
    CHECK(read_now(ends.reading.get(), into, sizeof into) == 5);
    CHECK(std::string(into, 5) == "dtail");
    CHECK(read_now(ends.reading.get(), into, sizeof into) == -1);
    CHECK(errno == EAGAIN);
    ends.writing.reset();
    CHECK(read_now(ends.reading.get(), into, sizeof into) == 0);
  });
}

TEST_CASE("a full end takes what fits and then says so, and all of it arrives") {
  for_every_kind([](Ends ends) {
    const std::string large(1 << 20, 'x');
    std::size_t sent = 0;
    std::vector<char> into(1 << 20);
    std::size_t got = 0;
    while (sent < large.size()) {
      const ssize_t count = write_text(ends.writing.get(), large.substr(sent));
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
        continue;
      }
      REQUIRE(errno == EAGAIN);
      const ssize_t taken = read_now(ends.reading.get(), into.data() + got, into.size() - got);
      REQUIRE(taken > 0);
      got += static_cast<std::size_t>(taken);
    }
    while (got < large.size()) {
      const ssize_t taken = read_now(ends.reading.get(), into.data() + got, into.size() - got);
      REQUIRE(taken > 0);
      got += static_cast<std::size_t>(taken);
    }
    CHECK(std::string(into.begin(), into.end()) == large);
  });
}

TEST_CASE("the descriptor's own flags stay as they were") {
  for_every_kind([](Ends ends) {
    char into[8];
    CHECK(read_now(ends.reading.get(), into, sizeof into) == -1);
    CHECK(write_text(ends.writing.get(), "x") == 1);
    CHECK((::fcntl(ends.reading.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(ends.writing.get(), F_GETFL) & O_NONBLOCK) == 0);
  });
}

TEST_CASE("writing where nobody reads any more is EPIPE") {
  ::signal(SIGPIPE, SIG_IGN);  // as Python does
  for_every_kind([](Ends ends) {
    ends.reading.reset();
    CHECK(write_text(ends.writing.get(), "x") == -1);
    CHECK(errno == EPIPE);
  });
}

TEST_CASE("a number that was a pipe's may be a socket's next, and the other way round") {
  for (const bool told : {true, false}) {
    char into[8];
    int fd = -1;
    for (const bool sockets : {false, true, false}) {
      Ends ends = make_ends(sockets);
      if (fd < 0) {
        fd = ends.reading.release();
      } else {
        REQUIRE(::dup2(ends.reading.get(), fd) == fd);
      }
      CHECK(read_now(fd, into, sizeof into) == -1);
      CHECK(errno == EAGAIN);
      CHECK(write_text(ends.writing.get(), "head", "tail") == 8);
      CHECK(read_waiting(fd, into, 4) == 4);
      CHECK(read_now(fd, into + 4, 4) == 4);
      CHECK(std::string(into, 8) == "headtail");
      if (told) forget_kind_of(fd);
    }
    ::close(fd);
  }
}

TEST_CASE("a closed descriptor is EBADF") {
  for_every_kind([](Ends ends) {
    const int fd = ends.reading.get();
    ends.reading.reset();
    char into[8];
    CHECK(read_now(fd, into, sizeof into) == -1);
    CHECK(errno == EBADF);
  });
}

}  // namespace gevent
