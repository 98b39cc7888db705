#include "http/trusted_proxies.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "http/characters.h"
#include "http/forwarded.h"
#include "http/request_rules.h"

namespace gevent::http {
namespace {

int port_of(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : 0;
}

// "1.2.3.4", "1.2.3.4:5", "[::1]:5", "::1"; nullopt for what is no address, such as "unknown" and "_hidden".
std::optional<ForwardedClient> client_at(std::string_view text) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const std::size_t end = std::min(text.find(']'), text.size());
    host = text.substr(1, end - 1);
    port = text.substr(std::min(end + 1, text.size()));
    if (port.starts_with(':')) port.remove_prefix(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size() + 1);
  }
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  return ForwardedClient{address->text(), port_of(port)};
}

std::string_view last_of(std::string_view list) noexcept {
  const std::size_t comma = list.rfind(',');
  return without_blanks_around(comma == std::string_view::npos ? list : list.substr(comma + 1));
}

std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = list.find(',');
    parts.push_back(without_blanks_around(list.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

struct TrustedProxies::Hop {
  ForwardedClient client;
  std::size_t index;  // in the list that names it
};

bool TrustedProxies::trusts(std::string_view address) const noexcept {
  if (everybody_) return true;
  const auto parsed = IpAddress::parse(address);
  if (!parsed) return false;
  const IpAddress proxy = parsed->unmapped();
  return std::any_of(networks_.begin(), networks_.end(), [&](const IpNetwork& each) { return each.contains(proxy); });
}

std::optional<TrustedProxies::Hop> TrustedProxies::client_of(const std::vector<std::string_view>& hops) const {
  std::optional<Hop> found;
  for (std::size_t i = everybody_ ? 1 : hops.size(); i-- > 0;) {
    auto client = client_at(hops[i]);
    if (!client) break;
    const bool goes_on = !everybody_ && trusts(client->address);
    found = Hop{std::move(*client), i};
    if (!goes_on) break;
  }
  return found;
}

ForwardedFacts TrustedProxies::believe(const ProxyFields& fields) const {
  ForwardedFacts facts;
  if (!trusts(fields.peer)) return facts;
  const auto elements = forwarded_elements(fields.forwarded);
  if (!elements) {
    facts.refusal = {kBadRequest, "an invalid Forwarded"};
    return facts;
  }
  std::vector<std::string_view> named;
  for (const ForwardedElement& each : *elements) named.push_back(each.client);
  const auto standard = client_of(named);
  const auto listed = client_of(parts_of(fields.forwarded_for));
  if (standard && listed && standard->client.address != listed->client.address) {
    facts.refusal = {kBadRequest, "Forwarded and X-Forwarded-For name different clients"};
    return facts;
  }
  std::string host;
  if (standard) {
    const ForwardedElement& said = (*elements)[standard->index];
    facts.client = standard->client;
    facts.proto = said.proto;
    host = said.host;
  } else {
    if (listed) facts.client = listed->client;
    facts.proto = last_of(fields.forwarded_proto);
    for (char& letter : facts.proto) letter = lower(letter);
    host = last_of(fields.forwarded_host);
  }
  if (facts.proto != "http" && facts.proto != "https") facts.proto.clear();
  if (!host.empty() && is_valid_host(host)) facts.host = std::move(host);
  return facts;
}

}  // namespace gevent::http
