// What the fields of a request are called in an environment (RFC 3875 4.1.18).
#pragma once
#include <string>
#include <string_view>

namespace gevent::http {

// "X_Y" would be taken for "X-Y", which a proxy may have vouched for: such a field is left out.
[[nodiscard]] constexpr bool is_ambiguous(std::string_view field) noexcept {
  return field.find('_') != std::string_view::npos;
}

[[nodiscard]] std::string variable_of(std::string_view field);

// What stands between the values of a variable whose field was sent more than once. Empty: the first one counts, as of
// a content type; lengths that differ are refused before.
[[nodiscard]] constexpr std::string_view separator_of(std::string_view variable) noexcept {
  if (variable.starts_with("CONTENT_")) return {};
  return variable.starts_with("HTTP_COOKIE") ? "; " : ",";
}

}  // namespace gevent::http
