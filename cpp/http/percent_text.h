// Percent escapes (RFC 3986 2.1).
#pragma once
#include <string>
#include <string_view>

#include "http/characters.h"

namespace gevent::http {

[[nodiscard]] constexpr unsigned hex_value(char digit) noexcept {
  return static_cast<unsigned>(is(digit, kDigit) ? digit - '0' : lower(digit) - 'a' + 10);
}

// `text` with the bytes that its escapes stand for in their place. What is no escape stays as it is.
[[nodiscard]] inline std::string unescaped(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && is(text[i + 1], kHexDigit) && is(text[i + 2], kHexDigit)) {
      bytes += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
      i += 2;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

}  // namespace gevent::http
