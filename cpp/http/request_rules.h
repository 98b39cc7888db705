// What the parts of a request's head mean together: where the body ends, whom the request is for, and what follows it.
#pragma once
#include <string_view>

#include "http/refusal.h"
#include "http/request_head.h"

namespace gevent::http {

// Fills in what `head` has beyond its lines, or says why it is refused:
//
//   target     the four forms of RFC 9112 3.2, each with the methods it is for; http and https only
//   Host       at most one, valid (RFC 9110 7.2); exactly one in HTTP/1.1 if `host_required`
//   length     at most one Content-Length, of digits; or Transfer-Encoding: chunked and nothing else, in HTTP/1.1 and
//              without a Content-Length beside it (RFC 9112 6.1 and 6.3)
[[nodiscard]] Refusal apply_rules(RequestHead& head, bool host_required) noexcept;

// Whether a field called `name` decides about any of this, so that its value must stand on one line.
[[nodiscard]] bool is_decisive(std::string_view name) noexcept;

// uri-host [ ":" port ] of RFC 9110 7.2; empty text is valid for a Host field.
[[nodiscard]] bool is_valid_host(std::string_view text) noexcept;

}  // namespace gevent::http
