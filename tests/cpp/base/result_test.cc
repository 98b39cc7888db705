#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>

using namespace gevent;

namespace {

Result<std::unique_ptr<int>> half_of(int number) {
  if (number % 2 != 0) {
    errno = EDOM;
    return Error::from_errno("half_of");
  }
  return std::make_unique<int>(number / 2);
}

Result<void> refuse() { return Error(EACCES, "refuse"); }
Result<void> succeed() { return {}; }

}  // namespace

TEST_CASE("a result holds the value, which can be moved out") {
  auto result = half_of(8);
  REQUIRE(result.ok());
  std::unique_ptr<int> owned = std::move(result).value();
  CHECK(*owned == 4);
}

TEST_CASE("a result holds the error that was met, in words") {
  auto result = half_of(7);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == EDOM);
  CHECK(result.error().message() == std::string("half_of: ") + std::strerror(EDOM));
}

TEST_CASE("a result without a value is success or an error") {
  CHECK(succeed().ok());
  const auto refused = refuse();
  CHECK_FALSE(refused);
  CHECK(refused.error().code() == EACCES);
}
