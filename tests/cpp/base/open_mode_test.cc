#include "base/open_mode.h"

#include <doctest/doctest.h>

namespace gevent {
namespace {

// "nature text|binary raw readable writable"; what is wrong.
std::string read(std::string_view letters) {
  OpenMode mode;
  if (const char* const wrong = OpenMode::parse(letters, mode); wrong != nullptr) return wrong;
  return std::string(1, mode.nature) + (mode.text ? " text " : " binary ") + mode.raw() +
         (mode.readable() ? " readable" : "") + (mode.writable() ? " writable" : "");
}

TEST_CASE("a mode says what is done, with text or bytes") {
  CHECK(read("r") == "r text rb readable");
  CHECK(read("rt") == "r text rb readable");
  CHECK(read("br") == "r binary rb readable");
  CHECK(read("w") == "w text wb writable");
  CHECK(read("xb") == "x binary xb writable");
  CHECK(read("a+") == "a text ab+ readable writable");
  CHECK(read("r+b") == "r binary rb+ readable writable");
}

TEST_CASE("newlines of any kind are what text has anyway") {
  CHECK(read("U") == "r text rb readable");
  CHECK(read("rU") == "r text rb readable");
  CHECK(read("brU") == "r binary rb readable");
  for (const char* letters : {"wU", "xU", "aU", "U+"})
    CHECK(read(letters) == "mode U cannot be combined with 'x', 'w', 'a', or '+'");
}

TEST_CASE("a mode that means nothing is refused with the reason") {
  for (const char* letters : {"q", "rr", "rbb", "r w", "R"}) CHECK(read(letters) == "invalid mode: {!r}");
  CHECK(read("rbt") == "{!r} asks for text and binary");
  CHECK(read("rw") == "{!r} has more than one of create, read, write and append mode at once");
  for (const char* letters : {"", "b", "t+"})
    CHECK(read(letters) == "{!r} must have exactly one of ['a', 'r', 'w', 'x']");
}

}  // namespace
}  // namespace gevent
