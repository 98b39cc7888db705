#include "http/http_date.h"

#include <doctest/doctest.h>

namespace gevent::http {
namespace {

TEST_CASE("a time is written as HTTP wants it") {
  HttpDate date;
  CHECK(date.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date.at(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date.at(951782399) == "Mon, 28 Feb 2000 23:59:59 GMT");
  CHECK(date.at(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date.at(4102444799) == "Thu, 31 Dec 2099 23:59:59 GMT");
  CHECK(date.at(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("the same second is not worked out again") {
  HttpDate date;
  const char* const words = date.at(1000).data();
  CHECK(date.at(1000).data() == words);
  CHECK(date.at(1001) == "Thu, 01 Jan 1970 00:16:41 GMT");
  CHECK(date.at(1000) == "Thu, 01 Jan 1970 00:16:40 GMT");
}

}  // namespace
}  // namespace gevent::http
