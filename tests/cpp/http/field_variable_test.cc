#include "http/field_variable.h"

#include <doctest/doctest.h>

namespace gevent::http {
namespace {

TEST_CASE("a field's variable is its name in capitals, behind HTTP_ but for two") {
  CHECK(variable_of("Host") == "HTTP_HOST");
  CHECK(variable_of("x-Forwarded-for") == "HTTP_X_FORWARDED_FOR");
  CHECK(variable_of("Content-Type") == "CONTENT_TYPE");
  CHECK(variable_of("content-LENGTH") == "CONTENT_LENGTH");
  CHECK(variable_of("Content-Types") == "HTTP_CONTENT_TYPES");
  CHECK(variable_of("a!#9\xe4") == "HTTP_A!#9\xe4");
}

TEST_CASE("a name that could be taken for another is known") {
  CHECK(is_ambiguous("X_Y"));
  CHECK_FALSE(is_ambiguous("X-Y"));
}

TEST_CASE("values of one variable are joined as its field asks for") {
  CHECK(separator_of("HTTP_ACCEPT") == ",");
  CHECK(separator_of("HTTP_COOKIE") == "; ");
  CHECK(separator_of("CONTENT_TYPE").empty());
}

}  // namespace
}  // namespace gevent::http
