#include "http/http_date.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace gevent::http {
namespace {

// Three letters each, one after another.
constexpr const char* kDays = "SunMonTueWedThuFriSat";

std::string words_for(std::int64_t second) {
  using namespace std::chrono;
  const sys_seconds time{seconds{second}};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::array<char, 64> words;
  const int size = std::snprintf(words.data(), words.size(), "%.3s, %02u %.3s %04d %02d:%02d:%02d GMT",
                                 kDays + 3 * weekday{day}.c_encoding(), static_cast<unsigned>(date.day()),
                                 kMonthNames + 3 * (static_cast<unsigned>(date.month()) - 1),
                                 static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                                 static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {words.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string_view HttpDate::at(std::int64_t second) {
  if (second != second_ || text_.empty()) {
    text_ = words_for(second);
    second_ = second;
  }
  return text_;
}

}  // namespace gevent::http
