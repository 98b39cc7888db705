// What time it is, in the words of HTTP.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gevent::http {

// Three letters each, one after another.
inline constexpr const char* kMonthNames = "JanFebMarAprMayJunJulAugSepOctNovDec";

// Worked out when the second changes: each response wants it.
class HttpDate {
 public:
  // The time so many seconds after the epoch as IMF-fixdate (RFC 9110 5.6.7), whatever the locale. Valid until the next
  // call.
  [[nodiscard]] std::string_view at(std::int64_t second);

 private:
  std::int64_t second_ = 0;
  std::string text_;
};

}  // namespace gevent::http
