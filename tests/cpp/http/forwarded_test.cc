#include "http/forwarded.h"

#include <doctest/doctest.h>

namespace gevent::http {
namespace {

// Each element as "client|proto|host", one after the other; "refused".
std::string read(std::string_view text) {
  const auto elements = forwarded_elements(text);
  if (!elements) return "refused";
  std::string all;
  for (const ForwardedElement& each : *elements) {
    if (!all.empty()) all += ' ';
    all += each.client + "|" + each.proto + "|" + each.host;
  }
  return all;
}

TEST_CASE("each proxy's element is read, whatever its order and letters") {
  CHECK(read("") == "||");
  CHECK(read("for=1.2.3.4") == "1.2.3.4||");
  CHECK(read("Proto=HTTPS;FOR=a;host=B.c;by=x") == "a|https|B.c");
  CHECK(read("for=a, for=b ;proto=http,for=c") == "a|| b|http| c||");
  CHECK(read("for=a;for=b") == "b||");
  CHECK(read("for=[::1]:80") == "[::1]:80||");
}

TEST_CASE("a quoted value may have anything in it") {
  CHECK(read("for=\"[::1]:80\"") == "[::1]:80||");
  CHECK(read("for=\"a\\\"b,c;d\\\\\" , host=\"\"") == "a\"b,c;d\\|| ||");
}

TEST_CASE("what is no such field is refused as a whole") {
  for (const char* text : {"for", "for=(", "=a", "for =a", "for= a", ";for=a", "for=a;;proto=b", "for=a,,for=b",
                           "for=\"a", "for=\"a\\", "for=\"a\"b", "for=a b", ","}) {
    CAPTURE(text);
    CHECK(read(text) == "refused");
  }
}

TEST_CASE("one that ends where another could begin is one") {
  CHECK(read("for=a;") == "a||");
  CHECK(read("for=a,") == "a|| ||");
}

}  // namespace
}  // namespace gevent::http
