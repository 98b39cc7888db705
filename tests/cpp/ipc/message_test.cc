#include "ipc/message.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "base/owned_fd.h"

namespace gevent {
namespace {

struct Ends {
  OwnedFd here;
  OwnedFd there;
};

Ends make_ends() {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  return {OwnedFd(fds[0]), OwnedFd(fds[1])};
}

void put(const OwnedFd& end, const std::string& bytes) {
  REQUIRE(::write(end.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

std::string framed(const std::string& payload) {
  const FrameHeader header(payload.size());
  return std::string(reinterpret_cast<const char*>(header.bytes().data()), header.bytes().size()) + payload;
}

// What comes of a message, in room of its own.
struct Receiver {
  explicit Receiver(const OwnedFd& end) : message(end.get()) {}

  Progress advance(std::int64_t size_max = -1) {
    return message.advance(size_max, [this](std::uint64_t size) {
      room.resize(size);
      return room.data();
    });
  }

  IncomingMessage message;
  std::string room;
};

}  // namespace

TEST_CASE("a message comes byte by byte, and is done with its last") {
  const Ends ends = make_ends();
  Receiver receiver(ends.here);
  const std::string bytes = framed("hello");
  for (const char& each : bytes) {
    CHECK(receiver.advance() == Progress::kWait);
    CHECK(receiver.message.begun() == (&each != &bytes.front()));
    put(ends.there, std::string(1, each));
  }
  CHECK(receiver.advance() == Progress::kDone);
  CHECK(receiver.room == "hello");
}

TEST_CASE("of what comes after a message nothing is taken") {
  const Ends ends = make_ends();
  put(ends.there, framed("one") + framed("two"));
  for (const char* each : {"one", "two"}) {
    Receiver receiver(ends.here);
    CHECK(receiver.advance() == Progress::kDone);
    CHECK(receiver.room == each);
  }
}

TEST_CASE("a message that is longer than wanted is told by its header") {
  const Ends ends = make_ends();
  put(ends.there, framed("hello"));
  Receiver receiver(ends.here);
  CHECK(receiver.advance(4) == Progress::kDone);
  CHECK(receiver.message.too_long());
  CHECK_FALSE(receiver.message.has_room());
}

TEST_CASE("the end of the stream is an end between messages, and a failure amid one") {
  using Failure = IncomingMessage::Failure;
  for (const auto& [bytes, failure] : {std::pair<std::string, Failure>("", Failure::kEnd),
                                       {framed("hello").substr(0, 2), Failure::kEndAmid},
                                       {framed("hello").substr(0, 4), Failure::kEnd},
                                       {framed("hello").substr(0, 6), Failure::kEndAmid}}) {
    Ends ends = make_ends();
    put(ends.there, bytes);
    ends.there.reset();
    Receiver receiver(ends.here);
    CHECK(receiver.advance() == Progress::kFailed);
    CHECK(receiver.message.failure() == failure);
  }
}

TEST_CASE("a message without a header is as long as was said") {
  const Ends ends = make_ends();
  char room[4];
  IncomingMessage message(ends.here.get());
  message.expect(room, sizeof room);
  const auto no_room = [](std::uint64_t) { return nullptr; };
  put(ends.there, "abc");
  CHECK(message.advance(-1, no_room) == Progress::kWait);
  CHECK(message.filled() == 3);
  put(ends.there, "de");
  CHECK(message.advance(-1, no_room) == Progress::kDone);
  CHECK(std::string(room, 4) == "abcd");
}

TEST_CASE("whoever waits for the beginning has it when it comes, and waits for no more") {
  const Ends ends = make_ends();
  Receiver receiver(ends.here);
  std::thread writer([&] { put(ends.there, framed("hello").substr(0, 2)); });
  CHECK(receiver.message.wait_for_beginning() == Progress::kDone);
  writer.join();
  CHECK(receiver.message.begun());
  CHECK(receiver.advance() == Progress::kWait);
  put(ends.there, framed("hello").substr(2));
  CHECK(receiver.advance() == Progress::kDone);
  CHECK(receiver.room == "hello");
}

TEST_CASE("waiting for the beginning ends with the stream, with a descriptor that does not wait, and with a signal") {
  using Failure = IncomingMessage::Failure;
  {
    Ends ends = make_ends();
    ends.there.reset();
    Receiver receiver(ends.here);
    CHECK(receiver.message.wait_for_beginning() == Progress::kFailed);
    CHECK(receiver.message.failure() == Failure::kEnd);
  }
  {
    IncomingMessage message(-1);
    CHECK(message.wait_for_beginning() == Progress::kFailed);
    CHECK(message.failure() == Failure::kSystem);
    CHECK(message.error() == EBADF);
  }
  const Ends ends = make_ends();
  Receiver receiver(ends.here);
  REQUIRE(::fcntl(ends.here.get(), F_SETFL, O_NONBLOCK) == 0);
  CHECK(receiver.message.wait_for_beginning() == Progress::kWait);
  REQUIRE(::fcntl(ends.here.get(), F_SETFL, 0) == 0);

  struct sigaction quiet = {};
  struct sigaction before = {};
  quiet.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGALRM, &quiet, &before) == 0);
  // Again and again, since the first may come before it waits.
  const itimerval often{{0, 2000}, {0, 2000}};
  REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  CHECK(receiver.message.wait_for_beginning() == Progress::kWait);
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  CHECK_FALSE(receiver.message.begun());
}

TEST_CASE("what is written goes out in pieces, and what is left of it is known") {
  const Ends ends = make_ends();
  const std::string payload(1 << 20, 'x');
  const FrameHeader header(payload.size());
  OutgoingMessage message(ends.there.get(), header.bytes(), payload.data(), payload.size());
  CHECK_FALSE(message.begun());
  std::size_t received = 0;
  std::string into(1 << 16, '\0');
  while (message.advance(100'000) == Progress::kWait) {
    CHECK(message.begun());
    CHECK(message.rest().size() == header.bytes().size() + payload.size() - message.written());
    while (received < message.written()) {
      const ssize_t count = ::read(ends.here.get(), into.data(), into.size());
      REQUIRE(count > 0);
      received += static_cast<std::size_t>(count);
    }
  }
  CHECK(message.written() == header.bytes().size() + payload.size());
  CHECK(message.rest().empty());
}

}  // namespace gevent
