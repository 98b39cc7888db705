// What a name server, or the hosts file, said.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gevent {

struct DnsAddress {
  int family;              // AF_INET or AF_INET6
  std::string text;        // as inet_ntop() writes it
  std::uint32_t scope_id;  // of a link-local IPv6 address, else 0
};

struct DnsAnswer {
  int status = 0;                    // 0, or c-ares' number for what went wrong (ARES_ENOTFOUND, ...)
  std::string name;                  // the official one
  std::vector<std::string> aliases;  // other names on the way to it
  std::vector<DnsAddress> addresses;
  std::string service;  // only where one was asked for
};

}  // namespace gevent
