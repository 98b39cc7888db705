#include "base/ip_address.h"

#include <doctest/doctest.h>

namespace gevent {
namespace {

std::string respelled(std::string_view text) {
  const auto found = IpAddress::parse(text);
  return found ? found->text() : "none";
}

TEST_CASE("an address has one spelling") {
  CHECK(respelled("127.0.0.1") == "127.0.0.1");
  CHECK(respelled("0:0:0:0:0:0:0:1") == "::1");
  CHECK(respelled("2001:DB8::A") == "2001:db8::a");
  CHECK(respelled("fe80::1%eth0") == "fe80::1%eth0");
  CHECK(respelled("::ffff:1.2.3.4") == "::ffff:1.2.3.4");
}

TEST_CASE("whatever else the system might take for an address is none") {
  for (const char* text : {"", "127.1", "0x7f.1", "01.2.3.4", "1.2.3.4 ", " ::1", "1.2.3", "256.1.1.1", "1.2.3.4%eth0",
                           "localhost", ":", ":::", "12345::", "%eth0", "fe80::1%", "1:2:3:4:5:6:7:8:9"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  CHECK_FALSE(IpAddress::parse(std::string(1000, '1')));
}

TEST_CASE("four or sixteen bytes are an address") {
  const unsigned char bytes[16] = {10, 1, 2, 3};
  CHECK(IpAddress::of_bytes(bytes, 4).text() == "10.1.2.3");
  CHECK(IpAddress::of_bytes(bytes, 16).text() == "a01:203::");
}

TEST_CASE("a mapped address is the one that it stands for") {
  const IpAddress mapped = IpAddress::parse("::ffff:10.1.2.3")->unmapped();
  CHECK(mapped.is_v4());
  CHECK(mapped.text() == "10.1.2.3");
  CHECK(IpAddress::parse("::fffe:10.1.2.3")->unmapped().text() == "::fffe:a01:203");
  CHECK(IpAddress::parse("10.1.2.3")->unmapped().text() == "10.1.2.3");
}

TEST_CASE("a network has the addresses that begin as it does, of its own version") {
  const IpNetwork ten{*IpAddress::parse("10.16.0.0"), 12};
  for (const char* text : {"10.16.0.0", "10.31.255.255"}) CHECK(ten.contains(*IpAddress::parse(text)));
  for (const char* text : {"10.32.0.0", "10.15.255.255", "11.16.0.0", "a10::"}) {
    CHECK_FALSE(ten.contains(*IpAddress::parse(text)));
  }
  const IpNetwork one{*IpAddress::parse("fe80::1"), 128};
  CHECK(one.contains(*IpAddress::parse("fe80::1%eth0")));
  CHECK_FALSE(one.contains(*IpAddress::parse("fe80::2")));
  const IpNetwork all{*IpAddress::parse("0.0.0.0"), 0};
  CHECK(all.contains(*IpAddress::parse("255.1.2.3")));
  CHECK_FALSE(all.contains(*IpAddress::parse("::")));
}

}  // namespace
}  // namespace gevent
