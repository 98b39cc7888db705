#include "http/trusted_proxies.h"

#include <doctest/doctest.h>

#include <string>

namespace gevent::http {
namespace {

TrustedProxies local_and_ten() {
  TrustedProxies trusted;
  trusted.trust({*IpAddress::parse("127.0.0.1"), 32});
  trusted.trust({*IpAddress::parse("10.0.0.0"), 8});
  trusted.trust({*IpAddress::parse("2001:db8::"), 32});
  return trusted;
}

// What is believed, as "address port proto host", or the reason to refuse it.
std::string told(const TrustedProxies& trusted, const ProxyFields& fields) {
  const ForwardedFacts facts = trusted.believe(fields);
  if (facts.refusal) return facts.refusal.reason;
  const std::string client = facts.client ? facts.client->address + " " + std::to_string(facts.client->port) : "-";
  return client + " " + facts.proto + " " + facts.host;
}

std::string listed(std::string_view list) { return told(local_and_ten(), {"127.0.0.1", {}, list, {}, {}}); }
std::string forwarded(std::string_view text) { return told(local_and_ten(), {"127.0.0.1", text, {}, {}, {}}); }

TEST_CASE("a proxy is who has one of the addresses") {
  const TrustedProxies trusted = local_and_ten();
  for (const char* proxy : {"127.0.0.1", "10.255.0.1", "::ffff:10.0.0.1", "2001:db8:1::2"})
    CHECK(trusted.trusts(proxy));
  for (const char* other : {"127.0.0.2", "11.0.0.1", "::1", "", "localhost", "2001:db9::"})
    CHECK_FALSE(trusted.trusts(other));
}

TEST_CASE("nobody else is believed") {
  CHECK(told(local_and_ten(), {"9.9.9.9", "for=1.1.1.1;proto=https", "2.2.2.2", "https", "a.b"}) == "-  ");
  CHECK(told(TrustedProxies(), {"127.0.0.1", "for=(", {}, {}, {}}) == "-  ");
}

TEST_CASE("the client is the last of a list whom no proxy of ours is") {
  CHECK(listed("9.8.7.6") == "9.8.7.6 0  ");
  CHECK(listed("1.1.1.1, 9.8.7.6 ,10.1.2.3") == "9.8.7.6 0  ");
  CHECK(listed("10.0.0.2, 10.0.0.1") == "10.0.0.2 0  ");
  CHECK(listed("1.1.1.1, unknown, 10.0.0.1") == "10.0.0.1 0  ");
  CHECK(listed("1.1.1.1, unknown") == "-  ");
  CHECK(listed("") == "-  ");
}

TEST_CASE("addresses come with and without a port") {
  CHECK(listed("9.8.7.6:55") == "9.8.7.6 55  ");
  CHECK(listed("[::2]:55") == "::2 55  ");
  CHECK(listed("[::2]") == "::2 0  ");
  CHECK(listed("[::2") == "::2 0  ");
  CHECK(listed("::2") == "::2 0  ");
  for (const char* no_port :
       {"9.8.7.6:", "9.8.7.6:x", "9.8.7.6:-1", "9.8.7.6:65536", "[9.8.7.6]:99999999999999999999"}) {
    CAPTURE(no_port);
    CHECK(listed(no_port) == "9.8.7.6 0  ");
  }
  for (const char* none : {"[", "[]", ":5", "_hidden", "1.2.3"}) {
    CAPTURE(none);
    CHECK(listed(none) == "-  ");
  }
}

TEST_CASE("what the client's own element says counts, and no other") {
  CHECK(forwarded("for=9.8.7.6;proto=HTTPS;host=a.b") == "9.8.7.6 0 https a.b");
  CHECK(forwarded("for=1.1.1.1;proto=http, for=\"[::2]:55\";proto=https, for=10.0.0.9;host=x") == "::2 55 https ");
  CHECK(forwarded("for=9.8.7.6;proto=gopher;host=\"a/b\"") == "9.8.7.6 0  ");
  CHECK(forwarded("for=(") == "an invalid Forwarded");
}

TEST_CASE("without it the last of the other lists does") {
  const ProxyFields fields{"127.0.0.1", {}, "x", "http, HTTPS", "evil, a.b"};
  CHECK(told(local_and_ten(), fields) == "- https a.b");
}

TEST_CASE("two fields that name different clients are refused") {
  CHECK(told(local_and_ten(), {"127.0.0.1", "for=1.1.1.1", "2.2.2.2", {}, {}}) ==
        "Forwarded and X-Forwarded-For name different clients");
  CHECK(told(local_and_ten(), {"127.0.0.1", "for=1.1.1.1", "1.1.1.1", {}, {}}) == "1.1.1.1 0  ");
  CHECK(told(local_and_ten(), {"127.0.0.1", "for=unknown", "1.1.1.1", {}, {}}) == "1.1.1.1 0  ");
}

TEST_CASE("if everybody is a proxy, the client is the first") {
  TrustedProxies trusted;
  trusted.trust_everybody();
  CHECK(trusted.trusts("whoever"));
  CHECK(told(trusted, {"9.9.9.9", {}, "1.1.1.1, 2.2.2.2", {}, {}}) == "1.1.1.1 0  ");
  CHECK(told(trusted, {"9.9.9.9", "for=3.3.3.3, for=4.4.4.4", {}, {}, {}}) == "3.3.3.3 0  ");
}

}  // namespace
}  // namespace gevent::http
