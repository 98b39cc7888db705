// A name server for tests: one UDP socket on loopback, served by the loop under test.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/owned_fd.h"
#include "doctest/doctest.h"
#include "loop/loop.h"

// Knows IPv4 addresses of names, and names of addresses under in-addr.arpa. Says nothing at all when `silent`. Does not
// keep the loop running.
class NameServer {
 public:
  explicit NameServer(gevent::Loop& loop)
      : socket_(::socket(AF_INET, SOCK_DGRAM, 0)),
        readable_(loop, socket_.get(), gevent::kRead, &NameServer::on_readable, this) {
    REQUIRE(::fcntl(socket_.get(), F_SETFL, O_NONBLOCK) == 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port = ntohs(address.sin_port);
    readable_.set_ref(false);
    readable_.start();
  }

  std::uint16_t port = 0;
  std::map<std::string, std::vector<std::string>> addresses;
  std::map<std::string, std::string> names;
  bool silent = false;
  std::vector<std::string> asked;

 private:
  enum Type : std::uint8_t { kA = 1, kPtr = 12 };

  static void on_readable(gevent::Watcher& watcher, int) noexcept {
    auto& self = *static_cast<NameServer*>(watcher.owner);
    char packet[512];
    sockaddr_in peer = {};
    socklen_t peer_length = sizeof peer;
    const auto length =
        ::recvfrom(self.socket_.get(), packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&peer), &peer_length);
    if (length < 12) return;
    const std::string answer = self.answer_to(std::string(packet, static_cast<std::size_t>(length)));
    if (self.silent) return;
    ::sendto(self.socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), peer_length);
  }

  std::string answer_to(const std::string& query) {
    std::size_t end = 12;
    std::string name;
    while (query[end] != 0) {
      const auto length = static_cast<std::uint8_t>(query[end]);
      name += query.substr(end + 1, length) + ".";
      end += length + 1u;
    }
    const char type = query[end + 2];
    end += 5;
    asked.push_back(name);
    std::vector<std::string> found;
    if (type == kA && addresses.contains(name)) {
      for (const std::string& text : addresses[name]) {
        in_addr address;
        ::inet_pton(AF_INET, text.c_str(), &address);
        found.emplace_back(reinterpret_cast<const char*>(&address), sizeof address);
      }
    } else if (type == kPtr && names.contains(name)) {
      found.push_back(in_labels(names[name]));
    }
    const bool known = addresses.contains(name) || names.contains(name);
    std::string answer = query.substr(0, 2);
    answer += {'\x81', static_cast<char>(0x80 | (known ? 0 : 3)), 0, 1, 0, static_cast<char>(found.size()), 0, 0, 0, 0};
    answer += query.substr(12, end - 12);
    for (const std::string& data : found) {
      // The name is the question's; class IN, a minute to live.
      answer += {'\xc0', 12, 0, type, 0, 1, 0, 0, 0, 60, 0, static_cast<char>(data.size())};
      answer += data;
    }
    return answer;
  }

  static std::string in_labels(const std::string& name) {
    std::string labels, label;
    for (const char letter : name) {
      if (letter != '.') {
        label += letter;
        continue;
      }
      labels += static_cast<char>(label.size()) + label;
      label.clear();
    }
    return labels + '\0';
  }

  gevent::OwnedFd socket_;
  gevent::Io readable_;
};
