// The Forwarded field (RFC 7239): what each proxy on the way says of whom it got the request from.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gevent::http {

// What one proxy says; empty where it says nothing.
struct ForwardedElement {
  std::string client;  // "for": an address, maybe with a port, or a word for somebody who is not to be known
  std::string proto;
  std::string host;
};

// In the order of the field, the proxy that is nearest last. nullopt: it is no such field.
[[nodiscard]] std::optional<std::vector<ForwardedElement>> forwarded_elements(std::string_view text);

}  // namespace gevent::http
