#include "http/proxy_header.h"

#include <doctest/doctest.h>

#include <string>

namespace gevent::http {
namespace {

// What is found, and that not a byte too many was read.
std::string read(const std::string& bytes) {
  ProxyHeader header;
  std::size_t taken = 0;
  while (header.state() == ProxyHeader::State::kReading) {
    const std::size_t wanted = header.wanted();
    REQUIRE(wanted > 0);
    if (taken + wanted > bytes.size()) return "unfinished";
    header.feed(bytes.data() + taken, wanted);
    taken += wanted;
  }
  if (header.state() == ProxyHeader::State::kRefused) return "refused";
  return header.address() + " " + std::to_string(header.port()) + " " + std::to_string(bytes.size() - taken);
}

std::string binary(char command, char family, const std::string& rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += command;
  bytes += family;
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size());
  return bytes + rest;
}

}  // namespace

TEST_CASE("version 1 says who the client is") {
  CHECK(read("PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nGET") == "1.2.3.4 9 3");
  CHECK(read("PROXY TCP6 ::1 2001:db8::2 65535 443\r\n") == "::1 65535 0");
  CHECK(read("PROXY UNKNOWN\r\nGET") == " 0 3");
  CHECK(read("PROXY UNKNOWN a b c d\r\n") == " 0 0");
}

TEST_CASE("version 2 says who the client is") {
  const std::string v4("\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb", 12);
  CHECK(read(binary(0x21, 0x11, v4) + "GET") == "1.2.3.4 80 3");
  CHECK(read(binary(0x21, 0x11, v4 + "more of it")) == "1.2.3.4 80 0");
  CHECK(read(binary(0x21, 0x21,
                    std::string(15, '\0') + "\x01" + std::string(16, '\0') + std::string("\x00\x50\x01\xbb", 4))) ==
        "::1 80 0");
  CHECK(read(binary(0x20, 0x11, v4)) == " 0 0");
  CHECK(read(binary(0x21, 0x00, "")) == " 0 0");
}

TEST_CASE("what is no such header is refused") {
  for (const char* bytes :
       {"GET / HTTP/1.1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n", "PROXY TCP4 1.2.3 5.6.7.8 9 10\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 70000 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 1\r\n",
        "PROXY TCP9 1.2.3.4 5.6.7.8 9 10\r\n", "PROXY  TCP4 1.2.3.4 5.6.7.8 9 10\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\n", "proxy TCP4 1.2.3.4 5.6.7.8 9 10\r\n", "PROXY TCP4 ::1 ::1 9 10\r\n"}) {
    INFO(bytes);
    CHECK(read(bytes) == "refused");
  }
  CHECK(read("PROXY " + std::string(200, 'x')) == "refused");
  CHECK(read(binary(0x31, 0x11, std::string(12, 'x'))) == "refused");
  CHECK(read(binary(0x21, 0x11, "short")) == "refused");
  CHECK(read(binary(0x21, 0x11, std::string(5000, 'x'))) == "refused");
}

}  // namespace gevent::http
