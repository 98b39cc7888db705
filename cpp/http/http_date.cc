#include "http/http_date.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace gevent::http {
namespace {

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string words_for(std::int64_t second) {
  using namespace std::chrono;
  const sys_seconds time{seconds{second}};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::array<char, 64> words;
  const int size =
      std::snprintf(words.data(), words.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays[weekday{day}.c_encoding()],
                    static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
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
