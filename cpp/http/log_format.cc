#include "http/log_format.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "http/characters.h"
#include "http/field_variable.h"
#include "http/http_date.h"

namespace gevent::http {
namespace {

constexpr std::string_view kCommon = "%h %l %u %t \"%r\" %>s %b";
constexpr std::string_view kCombined = "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"";
constexpr std::string_view kFacts = "haltrsbBDTmUqH%";

void append_hex(std::string& line, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  line += "\\x";
  line += kDigits[byte >> 4];
  line += kDigits[byte & 0xf];
}

// The words of "GET /path HTTP/1.1"; none of another line.
struct Words {
  explicit Words(std::string_view line) noexcept {
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    if (first == std::string_view::npos || last == first) return;
    const std::string_view middle = line.substr(first + 1, last - first - 1);
    if (middle.find(' ') != std::string_view::npos) return;
    method = line.substr(0, first);
    version = line.substr(last + 1);
    const std::size_t mark = middle.find('?');
    path = middle.substr(0, mark);
    if (mark != std::string_view::npos) query = middle.substr(mark);
  }
  std::string_view method, path, query, version;
};

template <typename... Values>
std::string printed(const char* format, Values... values) {
  std::array<char, 64> text;
  const int size = std::snprintf(text.data(), text.size(), format, values...);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::tm local_time(std::int64_t second) noexcept {
  const auto time = static_cast<std::time_t>(second);
  std::tm local{};
  ::localtime_r(&time, &local);
  return local;
}

std::string time_in_brackets(std::int64_t second) {
  const std::tm local = local_time(second);
  const long zone = local.tm_gmtoff / 60;
  const long minutes = zone < 0 ? -zone : zone;
  return printed("[%02d/%.3s/%d:%02d:%02d:%02d %c%02ld%02ld]", local.tm_mday, kMonthNames + 3 * local.tm_mon,
                 local.tm_year + 1900, local.tm_hour, local.tm_min, local.tm_sec, zone < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
}

std::string time_as(const std::string& format, std::int64_t second) {
  constexpr std::size_t kLongest = 1 << 16;
  const std::tm local = local_time(second);
  // Nothing at all is what strftime() says of too little room, and of a format that has nothing to say.
  for (std::size_t size = 64; size <= kLongest && !format.empty(); size *= 4) {
    std::string text(size, '\0');
    const std::size_t used = std::strftime(text.data(), text.size(), format.c_str(), &local);
    if (used == 0) continue;
    text.resize(used);
    return text;
  }
  return {};
}

std::string fact(char letter, const LoggedRequest& request) {
  switch (letter) {
    case '%':
      return "%";
    case 'h':
    case 'a':
      return std::string(request.client);
    case 't':
      return time_in_brackets(request.written_at);
    case 'r':
      return std::string(request.request_line);
    case 's':
      return request.status > 0 ? std::to_string(request.status) : std::string();
    case 'b':
      return request.bytes_sent > 0 ? std::to_string(request.bytes_sent) : std::string();
    case 'B':
      return std::to_string(request.bytes_sent);
    case 'D':
      return std::to_string(static_cast<std::int64_t>(std::max(0.0, request.seconds) * 1e6));
    case 'T':
      return printed("%.6f", std::max(0.0, request.seconds));
    case 'm':
      return std::string(Words(request.request_line).method);
    case 'U':
      return std::string(Words(request.request_line).path);
    case 'q':
      return std::string(Words(request.request_line).query);
    case 'H':
      return std::string(Words(request.request_line).version);
    default:
      return {};  // %l: who the client's system says that it is, which nobody asks any more
  }
}

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  for (char& byte : small) byte = lower(byte);
  return small;
}

}  // namespace

void append_escaped(std::string& line, std::string_view text, bool quoted) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) {
      append_hex(line, byte);
    } else if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      append_hex(line, static_cast<unsigned char>(text[++i]));  // U+0080 to U+009F
    } else {
      if (byte == '\\' || (quoted && byte == '"')) line += '\\';
      line += text[i];
    }
  }
}

std::optional<LogFormat> LogFormat::parse(std::string_view text, std::string& unknown) {
  if (text == "common") text = kCommon;
  if (text == "combined") text = kCombined;
  LogFormat made;
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    made.add_text(text.substr(0, percent));
    if (percent == std::string_view::npos) break;
    text.remove_prefix(percent);
    if (!made.take_directive(text, unknown)) return std::nullopt;
  }
  return made;
}

void LogFormat::add_text(std::string_view text) {
  if (!text.empty()) parts_.push_back({What::kText, '\0', {}, std::string(text)});
}

bool LogFormat::take_directive(std::string_view& text, std::string& unknown) {
  unknown.clear();
  std::size_t at = 1;
  if (at < text.size() && (text[at] == '>' || text[at] == '<')) ++at;  // of which request of several: there is one
  if (at == text.size()) return false;
  std::size_t end = at;
  if (text[at] != '{') {
    unknown = text.substr(0, at + 1);
    if (!add_letter(text[at])) return false;
  } else {
    end = text.find('}', at);
    if (end == std::string_view::npos || ++end == text.size()) return false;
    if (!add_named(text.substr(at + 1, end - at - 2), text[end])) return false;
  }
  text.remove_prefix(end + 1);
  return true;
}

bool LogFormat::add_letter(char letter) {
  if (letter == 'u') return add_named("REMOTE_USER", 'e');
  if (letter == 'v') return add_named("SERVER_NAME", 'e');
  if (letter == 'p') return add_named("SERVER_PORT", 'e');
  if (kFacts.find(letter) == std::string_view::npos) return false;
  parts_.push_back({What::kFact, letter, {}, {}});
  return true;
}

bool LogFormat::add_named(std::string_view name, char kind) {
  switch (kind) {
    case 'i':
      parts_.push_back({What::kNamed, kind, Source::kVariable, variable_of(name)});
      return true;
    case 'o':
      parts_.push_back({What::kNamed, kind, Source::kResponseField, in_small_letters(name)});
      return true;
    case 'e':
      parts_.push_back({What::kNamed, kind, Source::kVariable, std::string(name)});
      return true;
    case 't':
      parts_.push_back({What::kTime, kind, {}, std::string(name)});
      return true;
    default:
      return false;
  }
}

std::string LogFormat::line(const LoggedRequest& request, Find find, void* context) const {
  std::string line;
  for (const Part& part : parts_) {
    if (part.what == What::kText) {
      line += part.text;
      continue;
    }
    std::string value;
    if (part.what == What::kNamed) {
      if (!find(context, part.source, part.text, value)) value.clear();
    } else {
      value = part.what == What::kTime ? time_as(part.text, request.written_at) : fact(part.letter, request);
    }
    if (value.empty()) value = "-";
    append_escaped(line, value, true);
  }
  return line;
}

std::string PlainLog::line(const LoggedRequest& request) {
  if (request.written_at != second_ || time_.empty()) {
    second_ = request.written_at;
    time_ = time_as("%Y-%m-%d %H:%M:%S", second_);
  }
  std::string line(request.client.empty() ? "-" : request.client);
  line.append(" - - [").append(time_).append("] \"");
  append_escaped(line, request.request_line, true);
  line += "\" ";
  if (request.status > 0) {
    line += std::to_string(request.status);
  } else {
    line += request.instead.empty() ? "000" : request.instead;
  }
  line += ' ';
  line += request.bytes_sent > 0 ? std::to_string(request.bytes_sent) : "-";
  line += ' ';
  line += request.seconds >= 0 ? printed("%.6f", request.seconds) : "-";
  return line;
}

}  // namespace gevent::http
