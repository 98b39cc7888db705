#include "http/outgoing_body.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gevent::http {
namespace {

std::string sent(OutgoingBody& body, const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& each : pieces) {
    const std::string_view piece = std::string_view(each).substr(0, body.admit(each.size()));
    if (piece.empty()) continue;
    std::string framed(body.framed_size(piece.size()), '?');
    CHECK(body.put(framed.data(), piece) == framed.data() + framed.size());
    all += framed;
  }
  std::string end(body.end_size(), '?');
  CHECK(body.put_end(end.data()) == end.data() + end.size());
  return all + end;
}

TEST_CASE("chunks say their lengths, and the end") {
  OutgoingBody body;
  body.begin_chunked();
  CHECK(body.chunked());
  CHECK(sent(body, {"a", std::string(16, 'b')}) == "1\r\na\r\n10\r\n" + std::string(16, 'b') + "\r\n0\r\n\r\n");
  CHECK(sent(body, {}) == "0\r\n\r\n");
  const std::string large(0xabcde, 'c');
  CHECK(sent(body, {large}) == "abcde\r\n" + large + "\r\n0\r\n\r\n");
  CHECK(body.left() == 0);
}

TEST_CASE("a body of a promised length is sent as it is") {
  OutgoingBody body;
  body.begin_of_length(5);
  CHECK(sent(body, {"ab", "cde"}) == "abcde");
  CHECK(body.left() == 0);
}

TEST_CASE("what is beyond the promise is not sent") {
  OutgoingBody body;
  body.begin_of_length(3);
  CHECK(sent(body, {"ab", "cde", "f"}) == "abc");
  CHECK(body.left() == 0);
  CHECK(body.admit(7) == 0);
}

TEST_CASE("what is missing is known, until it has come") {
  OutgoingBody body;
  body.begin_of_length(3);
  CHECK(sent(body, {"ab"}) == "ab");
  CHECK(body.left() == 1);
  CHECK(sent(body, {"c"}) == "c");
  CHECK(body.left() == 0);
}

TEST_CASE("nothing of the body before is remembered") {
  OutgoingBody body;
  body.begin_of_length(1);
  CHECK(sent(body, {"ab"}) == "a");
  body.begin_chunked();
  CHECK(sent(body, {"ab"}) == "2\r\nab\r\n0\r\n\r\n");
  body.begin_of_length(0);
  CHECK_FALSE(body.chunked());
  CHECK(sent(body, {"ab"}).empty());
}

}  // namespace
}  // namespace gevent::http
