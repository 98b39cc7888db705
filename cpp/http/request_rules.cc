#include "http/request_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "http/characters.h"

namespace gevent::http {
namespace {

constexpr Refusal kNothing{};

constexpr Refusal bad(const char* reason) noexcept { return {kBadRequest, reason}; }

// Up to the colon before the port, which may be missing.
struct HostAndPort {
  std::string_view host;
  std::string_view port;
  bool has_port = false;
};

HostAndPort split_port(std::string_view text) noexcept {
  const std::size_t from = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t colon = from == std::string_view::npos ? from : text.find(':', from);
  if (colon == std::string_view::npos) return {text, {}, false};
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

bool is_port(std::string_view text) noexcept {
  if (!all_are(text, kDigit)) return false;
  while (text.starts_with('0')) text.remove_prefix(1);
  return text.size() < 5 || (text.size() == 5 && text <= "65535");
}

// IPvFuture: "v", the version in hexadecimal, a dot, and what that version has; as in names without the comma.
bool is_future_address(std::string_view text) noexcept {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
  if (lower(text.front()) != 'v' || !all_are(text.substr(1, dot - 1), kHexDigit)) return false;
  const std::string_view rest = text.substr(dot + 1);
  return std::all_of(rest.begin(), rest.end(),
                     [](char byte) { return byte == ':' || (byte != '%' && is(byte, kHostName)); });
}

bool is_ip_literal(std::string_view text) noexcept {
  if (text.size() < 4 || !text.ends_with(']')) return false;
  if (is_future_address(text.substr(1, text.size() - 2))) return true;
  if (text.size() > 50) return false;
  in6_addr address;
  return ::inet_pton(AF_INET6, std::string(text.substr(1, text.size() - 2)).c_str(), &address) == 1;
}

bool is_reg_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is(text[i], kHostName)) return false;
    if (text[i] == '%' && !(i + 2 < text.size() && is(text[i + 1], kHexDigit) && is(text[i + 2], kHexDigit)))
      return false;
  }
  return true;
}

void split_query(RequestHead& head, std::string_view path_and_query) noexcept {
  const std::size_t mark = path_and_query.find('?');
  head.path = path_and_query.substr(0, mark);
  head.query = mark == std::string_view::npos ? std::string_view() : path_and_query.substr(mark + 1);
}

Refusal absolute_target(RequestHead& head) noexcept {
  const std::string_view target = head.target;
  const std::size_t colon = target.find("://");
  const std::string_view scheme = target.substr(0, std::min(colon, target.size()));
  if (!same_word(scheme, "http") && !same_word(scheme, "https")) return bad("the target is none");
  const std::size_t begin = colon + 3;
  const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
  head.form = TargetForm::kAbsolute;
  head.authority = target.substr(begin, end - begin);
  if (!is_valid_host(head.authority) || split_port(head.authority).host.empty())
    return bad("the target has no valid host");
  split_query(head, target.substr(end));
  if (head.path.empty()) head.path = head.method == "OPTIONS" && end == target.size() ? "*" : "/";
  return kNothing;
}

Refusal authority_target(RequestHead& head) noexcept {
  const HostAndPort parts = split_port(head.target);
  if (parts.host.empty() || parts.port.empty() || !is_valid_host(head.target))
    return bad("the target of CONNECT is no host and port");
  head.form = TargetForm::kAuthority;
  head.authority = head.path = head.target;
  head.query = {};
  return kNothing;
}

Refusal find_target(RequestHead& head) noexcept {
  head.authority = {};
  if (head.method == "CONNECT") return authority_target(head);
  if (head.target.front() == '/') {
    head.form = TargetForm::kOrigin;
    split_query(head, head.target);
    return kNothing;
  }
  if (head.target == "*") {
    if (head.method != "OPTIONS") return bad("the target * is for OPTIONS only");
    head.form = TargetForm::kAsterisk;
    split_query(head, head.target);
    return kNothing;
  }
  return absolute_target(head);
}

// Goes through the fields once and keeps those that decide.
class Deciding {
 public:
  explicit Deciding(RequestHead& head) noexcept : head_(head) {}

  Refusal look_at(const Field& field) noexcept {
    switch (field.name.size()) {
      case 4:
        return same_word(field.name, "host") ? host(field) : kNothing;
      case 6:
        return same_word(field.name, "expect") ? expect(field) : kNothing;
      case 7:
        head_.has_upgrade |= same_word(field.name, "upgrade");
        return kNothing;
      case 10:
        return same_word(field.name, "connection") ? connection(field) : kNothing;
      case 12:
        return same_word(field.name, "content-type") ? type(field) : kNothing;
      case 14:
        return same_word(field.name, "content-length") ? length(field) : kNothing;
      case 17:
        return same_word(field.name, "transfer-encoding") ? coding(field) : kNothing;
      default:
        return kNothing;
    }
  }

  Refusal conclude(bool host_required) noexcept {
    if (host_required && !has_host_ && head_.minor_version > 0) return bad("no Host");
    if (head_.chunked && head_.has_length) return bad("Transfer-Encoding and Content-Length");
    if (head_.chunked && head_.minor_version == 0) return bad("Transfer-Encoding in HTTP/1.0");
    head_.keep_alive =
        !close_ && (head_.minor_version > 0 || stay_) && !head_.folded && head_.form != TargetForm::kAuthority;
    return kNothing;
  }

 private:
  Refusal host(const Field& field) noexcept {
    if (has_host_) return bad("more than one Host");
    has_host_ = true;
    return is_valid_host(field.value) ? kNothing : bad("an invalid Host");
  }

  Refusal length(const Field& field) noexcept {
    if (head_.has_length) return bad("more than one Content-Length");
    if (field.value.empty() || !all_are(field.value, kDigit)) return bad("an invalid Content-Length");
    std::string_view digits = field.value;
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    if (digits.size() > kLengthDigitsMax) return bad("an invalid Content-Length");
    head_.has_length = true;
    for (const char digit : digits)
      head_.content_length = head_.content_length * 10 + static_cast<unsigned>(digit - '0');
    return kNothing;
  }

  Refusal coding(const Field& field) noexcept {
    if (head_.chunked) return bad("more than one Transfer-Encoding");
    head_.chunked = same_word(field.value, "chunked");
    return head_.chunked ? kNothing : bad("a Transfer-Encoding that is not chunked");
  }

  // There can be only one, and with two each recipient makes its own of the body (RFC 9110 8.3): what a filter has let
  // pass would be something else to the application. Saying the same twice does no harm.
  Refusal type(const Field& field) noexcept {
    if (has_type_ && field.value != type_) return bad("more than one Content-Type");
    has_type_ = true;
    type_ = field.value;
    return kNothing;
  }

  Refusal connection(const Field& field) noexcept {
    for_each_element(field.value, [this](std::string_view option) {
      close_ |= same_word(option, "close");
      stay_ |= same_word(option, "keep-alive");
      head_.connection_upgrade |= same_word(option, "upgrade");
    });
    return kNothing;
  }

  // Other expectations are passed over, as they may be (RFC 9110 10.1.1).
  Refusal expect(const Field& field) noexcept {
    if (head_.minor_version == 0) return kNothing;
    for_each_element(field.value, [this](std::string_view expectation) {
      head_.expects_continue |= same_word(expectation, "100-continue");
    });
    return kNothing;
  }

  RequestHead& head_;
  std::string_view type_;
  bool has_type_ = false;
  bool has_host_ = false;
  bool close_ = false;
  bool stay_ = false;
};

}  // namespace

bool is_decisive(std::string_view name) noexcept {
  for (const std::string_view each :
       {"host", "expect", "upgrade", "connection", "content-length", "transfer-encoding"}) {
    if (same_word(name, each)) return true;
  }
  return false;
}

bool is_valid_host(std::string_view text) noexcept {
  const HostAndPort parts = split_port(text);
  if (parts.has_port && !is_port(parts.port)) return false;
  return parts.host.starts_with('[') ? is_ip_literal(parts.host) : is_reg_name(parts.host);
}

Refusal apply_rules(RequestHead& head, bool host_required) noexcept {
  head.content_length = 0;
  head.has_length = head.chunked = head.keep_alive = head.expects_continue = false;
  head.connection_upgrade = head.has_upgrade = false;
  if (const Refusal wrong = find_target(head)) return wrong;
  Deciding deciding(head);
  for (const Field& field : head.fields) {
    if (const Refusal wrong = deciding.look_at(field)) return wrong;
  }
  return deciding.conclude(host_required);
}

}  // namespace gevent::http
