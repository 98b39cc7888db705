#include "http/percent_text.h"

#include <doctest/doctest.h>

namespace gevent::http {
namespace {

TEST_CASE("escapes become the bytes that they stand for") {
  CHECK(unescaped("") == "");
  CHECK(unescaped("/a+b") == "/a+b");
  CHECK(unescaped("/a%20b%2Fc%c3%A4") == "/a b/c\xc3\xa4");
  CHECK(unescaped("%00%ff") == std::string("\0\xff", 2));
}

TEST_CASE("an escape is not read twice") { CHECK(unescaped("%2541") == "%41"); }

TEST_CASE("what is no escape stays") {
  for (const char* text : {"%", "%4", "a%", "%4g", "%g4", "%%", "% 41"}) CHECK(unescaped(text) == text);
  CHECK(unescaped("%%41") == "%A");
}

}  // namespace
}  // namespace gevent::http
