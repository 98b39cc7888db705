#include "http/request_times.h"

#include <doctest/doctest.h>

namespace gevent::http {
namespace {

TEST_CASE("a request is counted in the first bucket that is long enough") {
  RequestTimes times;
  for (const double seconds : {0.0, 0.0001, 0.00011, 10.0, 11.0}) times.note(seconds);
  CHECK(times.requests == 5);
  CHECK(times.total_s == doctest::Approx(21.00021));
  CHECK(times.buckets.front() == 2);
  CHECK(times.buckets[1] == 1);
  CHECK(times.buckets[15] == 1);
  CHECK(times.buckets.back() == 1);
}

TEST_CASE("a quantile is the upper end of its bucket, as far as that is known") {
  RequestTimes times;
  CHECK_FALSE(times.quantile(0.99).has_value());
  times.note(100);
  CHECK(times.quantile(0.5) == 10.0);
  for (int i = 0; i < 98; ++i) times.note(0.002);
  CHECK(times.quantile(0.0) == 0.0001);
  CHECK(times.quantile(0.5) == 0.0025);
  CHECK(times.quantile(0.98) == 0.0025);
  CHECK(times.quantile(1.0) == 10.0);
}

}  // namespace
}  // namespace gevent::http
