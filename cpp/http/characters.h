// Which bytes may stand where in HTTP/1: the grammar of RFC 9110 and 9112 as tables.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace gevent::http {

enum : std::uint8_t {
  kToken = 1,   // tchar, RFC 9110 5.6.2: methods, field names, codings
  kTarget = 2,  // of a request target: what can be seen, in ASCII, but no fragment. More than RFC 3986 has: browsers
                // send "|", "{" and the like unescaped.
  kFieldValue = 4,  // field-vchar, blank or tab, RFC 9110 5.5
  kBlank = 8,       // blank or tab
  kDigit = 16,
  kHexDigit = 32,
  kHostName = 64,     // of a reg-name, RFC 3986 3.2.2, without the comma, which is where a list would be split
  kQuotedText = 128,  // qdtext, RFC 9110 5.6.4
};

namespace internal {

constexpr bool one_of(unsigned char byte, std::string_view all) noexcept {
  return all.find(static_cast<char>(byte)) != std::string_view::npos;
}

constexpr std::array<std::uint8_t, 256> make_kinds() noexcept {
  std::array<std::uint8_t, 256> kinds{};
  for (unsigned i = 0; i < 256; ++i) {
    const auto byte = static_cast<unsigned char>(i);
    const bool digit = byte >= '0' && byte <= '9';
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool hex = digit || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
    const bool blank = byte == ' ' || byte == '\t';
    const bool seen = byte > 0x20 && byte < 0x7f;
    unsigned kind = 0;
    if (digit || letter || (byte != 0 && one_of(byte, "!#$%&'*+-.^_`|~"))) kind |= kToken;
    if (seen && byte != '#') kind |= kTarget;
    if (seen || blank || byte >= 0x80) kind |= kFieldValue;
    if (blank) kind |= kBlank;
    if (digit) kind |= kDigit;
    if (hex) kind |= kHexDigit;
    if (digit || letter || (byte != 0 && one_of(byte, "-._~!$&'()*+;=%"))) kind |= kHostName;
    if ((seen && byte != '"' && byte != '\\') || blank || byte >= 0x80) kind |= kQuotedText;
    kinds[i] = static_cast<std::uint8_t>(kind);
  }
  return kinds;
}

inline constexpr std::array<std::uint8_t, 256> kKinds = make_kinds();

}  // namespace internal

[[nodiscard]] constexpr bool is(char byte, std::uint8_t kind) noexcept {
  return (internal::kKinds[static_cast<unsigned char>(byte)] & kind) != 0;
}

[[nodiscard]] constexpr bool all_are(std::string_view text, std::uint8_t kind) noexcept {
  for (const char byte : text) {
    if (!is(byte, kind)) return false;
  }
  return true;
}

// Of a Content-Length. More do not fit into 64 bits with certainty, and no body is that long.
inline constexpr std::size_t kLengthDigitsMax = 18;

[[nodiscard]] constexpr char lower(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

// `lower_case` is written in small letters.
[[nodiscard]] constexpr bool same_word(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lower_case[i]) return false;
  }
  return true;
}

[[nodiscard]] constexpr std::string_view without_blanks_around(std::string_view text) noexcept {
  while (!text.empty() && is(text.front(), kBlank)) text.remove_prefix(1);
  while (!text.empty() && is(text.back(), kBlank)) text.remove_suffix(1);
  return text;
}

// Calls `visit` with each element of a comma-separated list, empty ones left out (RFC 9110 5.6.1).
template <typename Visit>
constexpr void for_each_element(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = without_blanks_around(list.substr(0, comma));
    if (!element.empty()) visit(element);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
}

}  // namespace gevent::http
