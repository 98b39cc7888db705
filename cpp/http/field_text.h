// What a server may write as a field: anything else could become a field, or a response, of its own.
#pragma once
#include <string_view>

#include "http/characters.h"

namespace gevent::http {

// A token.
[[nodiscard]] constexpr bool is_field_name(std::string_view text) noexcept {
  return !text.empty() && all_are(text, kToken);
}

// Without CR, LF and NUL. Other controls pass: they are the application's business, and end nothing.
[[nodiscard]] constexpr bool is_one_line(std::string_view text) noexcept {
  for (const char byte : text) {
    if (byte == '\r' || byte == '\n' || byte == '\0') return false;
  }
  return true;
}

// Three digits and a reason, which may be missing together with the blank before it (RFC 9112 4).
[[nodiscard]] constexpr bool is_status(std::string_view text) noexcept {
  return text.size() >= 3 && all_are(text.substr(0, 3), kDigit) && text[0] != '0' &&
         (text.size() == 3 || text[3] == ' ');
}

}  // namespace gevent::http
