#include "http/response_head.h"

#include <charconv>

#include "http/characters.h"
#include "http/field_text.h"

namespace gevent::http {
namespace {

bool is_ordinary_status(std::string_view status) noexcept {
  if (status.size() < 4 || !all_are(status.substr(0, 3), kDigit) || status[3] != ' ') return false;
  if (status[0] < '2' || status[0] > '5') return false;
  return !(status[1] == '0' && status[2] == '4' && status[0] <= '3');  // 204 and 304
}

}  // namespace

bool ResponseHead::begin(std::string_view status) {
  length_ = 0;
  has_date_ = has_length_ = length_is_unclear_ = has_coding_ = has_connection_ = asks_to_close_ = false;
  ordinary_ = is_ordinary_status(status);
  text_.assign("HTTP/1.1 ");
  if (!is_one_line(status)) return false;
  text_.append(status).append("\r\n");
  return true;
}

bool ResponseHead::add(std::string_view name, std::string_view value) {
  if (!is_field_name(name) || !is_one_line(value)) return false;
  note(name, value);
  add_own(name, value);
  return true;
}

void ResponseHead::add_own(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
}

void ResponseHead::add_own(std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  add_own(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void ResponseHead::note(std::string_view name, std::string_view value) noexcept {
  switch (name.size()) {
    case 4:
      has_date_ |= same_word(name, "date");
      return;
    case 10:
      if (!same_word(name, "connection")) return;
      has_connection_ = true;
      for_each_element(value, [this](std::string_view option) { asks_to_close_ |= same_word(option, "close"); });
      return;
    case 14:
      if (same_word(name, "content-length")) note_length(value);
      return;
    case 17:
      has_coding_ |= same_word(name, "transfer-encoding");
      return;
    default:
      return;
  }
}

void ResponseHead::note_length(std::string_view value) noexcept {
  length_is_unclear_ |= has_length_ || value.empty() || value.size() > kLengthDigitsMax || !all_are(value, kDigit);
  has_length_ = true;
  if (!length_is_unclear_) std::from_chars(value.data(), value.data() + value.size(), length_);
}

}  // namespace gevent::http
