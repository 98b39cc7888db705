#include "http/response_head.h"

#include "http/field_text.h"

#include <doctest/doctest.h>

#include <string>

namespace gevent::http {
namespace {

TEST_CASE("a head is written as it is put together, and again in the same memory") {
  ResponseHead head;
  for (int i = 0; i < 2; ++i) {
    CHECK(head.begin("200 OK"));
    CHECK(head.add("Content-Type", "text/plain"));
    CHECK(head.add("X", ""));
    head.add_own("Content-Length", 18446744073709551615u);
    head.end();
    CHECK(head.text() ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: \r\nContent-Length: 18446744073709551615\r\n\r\n");
  }
}

TEST_CASE("what could become a field of its own is none") {
  ResponseHead head;
  for (const char* status : {"200 OK\r", "200 OK\n", "200\r\nX: y"}) CHECK_FALSE(head.begin(status));
  CHECK_FALSE(head.begin(std::string_view("200 \0", 5)));
  CHECK(head.begin("200 OK"));
  const std::string before(head.text());
  for (const char* name : {"", "X:", "X ", "X\r\nY", "\xe4", "X\t"}) CHECK_FALSE(head.add(name, "y"));
  for (const char* value : {"a\rb", "a\nb", "\r\nY: z"}) CHECK_FALSE(head.add("X", value));
  CHECK_FALSE(head.add("X", std::string_view("\0", 1)));
  CHECK(head.text() == before);
  CHECK(head.add("X", "\xe4\t\x01"));
}

TEST_CASE("it is known what the fields say") {
  ResponseHead head;
  CHECK(head.begin("200 OK"));
  CHECK_FALSE((head.has_date() || head.has_length() || head.has_coding() || head.has_connection()));
  CHECK((head.add("dATE", "now") && head.add("content-LENGTH", "0012") && head.add("Connection", "Close")));
  CHECK((head.has_date() && head.has_length() && head.asks_to_close() && !head.length_is_unclear()));
  CHECK(head.length() == 12);
  for (const char* close : {"close", "CLOSE", "x, close", "close,x", " , close "}) {
    CHECK((head.begin("200 OK") && head.add("Connection", "x") && head.add("connection", close)));
    CHECK((head.has_connection() && head.asks_to_close()));
  }
  for (const char* other : {"", "x", "closed", "close x", "close;x"}) {
    CHECK((head.begin("200 OK") && head.add("connection", other)));
    CHECK((head.has_connection() && !head.asks_to_close()));
  }
  CHECK(head.add("Content-Length", "12"));
  CHECK(head.add("Transfer-Encoding", "x"));
  CHECK(head.has_coding());
  CHECK(head.add("Content-Length", "12"));
  CHECK(head.length_is_unclear());
  for (const char* unclear : {"", " 1", "1 ", "+1", "1,1", "x", "9999999999999999999"}) {
    CHECK(head.begin("200 OK"));
    CHECK(head.add("Content-Length", unclear));
    CHECK(head.length_is_unclear());
  }
}

TEST_CASE("a status is three digits and what there is of a reason") {
  for (const char* status : {"200", "200 ", "200 OK", "999 x", "100  "}) CHECK(is_status(status));
  for (const char* status : {"", "20", "20 x", "2000", "2000 x", "OK 200", "099 x", "200OK", "2x0 y", "\x32\x30\xb2"})
    CHECK_FALSE(is_status(status));
}

TEST_CASE("ordinary is a final response with a body") {
  ResponseHead head;
  for (const char* status : {"200 OK", "404 ", "599 x", "205 x"}) CHECK((head.begin(status) && head.is_ordinary()));
  for (const char* status :
       {"", "200", "20", "100 x", "101 x", "204 x", "304 x", "600 x", "2xx y", "2000 x", " 200 x"}) {
    CHECK((head.begin(status) && !head.is_ordinary()));
  }
  CHECK((head.begin("504 x") && head.is_ordinary()));
}

}  // namespace
}  // namespace gevent::http
