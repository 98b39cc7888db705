// Behind a proxy: who the client is, as far as a proxy that is trusted says so.
//
// Anybody can send X-Forwarded-For. So it counts only if the connection comes from a trusted address, and of the
// addresses in it the last one that is not trusted itself is the client's: what stands before that one is what the
// client said.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "http/refusal.h"

namespace gevent::http {

// Of a request: whose connection it is, and the fields in which proxies say more; empty where there is none.
struct ProxyFields {
  std::string_view peer;
  std::string_view forwarded;
  std::string_view forwarded_for;  // X-Forwarded-…: lists, to which each proxy adds at the end
  std::string_view forwarded_proto;
  std::string_view forwarded_host;
};

struct ForwardedClient {
  std::string address;
  int port = 0;  // unknown
};

// What is to be believed.
struct ForwardedFacts {
  Refusal refusal;  // nothing else counts then
  std::optional<ForwardedClient> client;
  std::string proto;  // "http", "https" or empty
  std::string host;   // a valid one, or empty
};

class TrustedProxies {
 public:
  void trust(IpNetwork network) { networks_.push_back(std::move(network)); }
  // Whoever connects is a proxy, and the first in a list the client.
  void trust_everybody() noexcept { everybody_ = true; }

  // Whether `address` is a proxy's. What is no address is nobody's.
  [[nodiscard]] bool trusts(std::string_view address) const noexcept;

  // A request is refused where Forwarded is none, and where it names another client than X-Forwarded-For: one of them
  // is the proxy's and one the client's, and nobody knows which.
  [[nodiscard]] ForwardedFacts believe(const ProxyFields& fields) const;

 private:
  struct Hop;
  [[nodiscard]] std::optional<Hop> client_of(const std::vector<std::string_view>& hops) const;

  std::vector<IpNetwork> networks_;
  bool everybody_ = false;
};

}  // namespace gevent::http
