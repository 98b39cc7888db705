#include "python/socket/held_output.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "python/interpreter.h"

using gevent::HeldOutput;
using namespace gevent::testing;

namespace {

// A connection of TCP, as only that holds anything back.
struct Connection {
  Connection() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::connect(client, reinterpret_cast<sockaddr*>(&address), size) == 0);
    server = ::accept(listener, nullptr, nullptr);
    ::close(listener);
  }
  ~Connection() {
    ::close(client);
    ::close(server);
  }

  // As a server sends a piece; returns the flag.
  int send(HeldOutput& output, std::string_view piece, bool last = false) const {
    const int flag = last ? 0 : output.flag_for_next();
    REQUIRE(::send(server, piece.data(), piece.size(), flag) == static_cast<ssize_t>(piece.size()));
    output.sent(server, flag);
    return flag;
  }
  // Waits until `size` bytes have come.
  [[nodiscard]] std::string receive(std::size_t size) const {
    std::string received;
    while (received.size() < size) {
      pollfd wanted{client, POLLIN, 0};
      REQUIRE(::poll(&wanted, 1, 20'000) == 1);
      char buffer[64];
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      REQUIRE(got > 0);
      received.append(buffer, static_cast<std::size_t>(got));
    }
    return received;
  }

  int client = -1;
  int server = -1;
};

void let_time_pass() {
  const timespec a_while{0, 1'000'000};
  ::nanosleep(&a_while, nullptr);
}

// Where nothing is held back, there is only that to test.
constexpr bool kNever = HeldOutput::kHold == 0;

// Sends quick pieces until one is held back: a busy computer may make any of them slow.
std::string send_until_held(const Connection& connection, HeldOutput& output) {
  std::string sent;
  do {
    sent += 'x';
    REQUIRE(sent.size() < 10'000);
  } while (connection.send(output, "x") == 0);
  return sent;
}

}  // namespace

TEST_CASE("held output: the first piece leaves at once, as does one that was long in the making") {
  const Connection connection;
  HeldOutput output;
  CHECK(connection.send(output, "first") == 0);
  let_time_pass();
  CHECK(connection.send(output, "slow") == 0);
  CHECK(connection.receive(9) == "firstslow");
}

TEST_CASE("held output: what is held back leaves with the last piece, and when the body ends" * doctest::skip(kNever)) {
  const Connection connection;
  HeldOutput output;
  std::string sent = send_until_held(connection, output);
  connection.send(output, "last", true);
  CHECK(connection.receive(sent.size() + 4) == sent + "last");
  output.end();
  sent = send_until_held(connection, output);
  output.end();
  CHECK(connection.receive(sent.size()) == sent);
}

TEST_CASE("held output: what is held back leaves as soon as the loop runs, also for an output that is gone" *
          doctest::skip(kNever)) {
  const Connection connection;
  std::string sent;
  {
    HeldOutput output;
    sent = send_until_held(connection, output);
    run("import gevent; gevent.sleep(0)");
    CHECK(connection.receive(sent.size()) == sent);
    sent = send_until_held(connection, output);
  }
  run("gevent.sleep(0)");
  CHECK(connection.receive(sent.size()) == sent);
}

TEST_CASE("held output: what is held back leaves while the thread does nothing for it" * doctest::skip(kNever)) {
  const Connection connection;
  HeldOutput output;
  const std::string sent = send_until_held(connection, output);
  CHECK(connection.receive(sent.size()) == sent);
}

TEST_CASE("held output: the first piece of a body is held back where the body before it came quickly" *
          doctest::skip(kNever)) {
  const Connection connection;
  HeldOutput output;
  std::string sent = send_until_held(connection, output);
  output.end();
  const int flag = connection.send(output, "a");
  let_time_pass();
  connection.send(output, "b");
  output.end();
  CHECK(connection.send(output, "c") == 0);
  CHECK(connection.receive(sent.size() + 3) == sent + "abc");
  CHECK((flag == 0 || flag == HeldOutput::kHold));
}
