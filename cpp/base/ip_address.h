// Addresses in figures: telling them from names, their one spelling, and the networks they are in.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gevent {

class IpAddress {
 public:
  // Four decimal numbers, or an IPv6 address, which may have a scope ("fe80::1%eth0"). Nothing else is an address:
  // neither "127.1", which inet_aton() takes, nor one with blanks around it.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;
  // Of bytes in the order of the network. Requires: size is 4 or 16.
  [[nodiscard]] static IpAddress of_bytes(const void* bytes, std::size_t size) noexcept;

  [[nodiscard]] bool is_v4() const noexcept { return size_ == 4; }
  // As inet_ntop() writes it, with the scope.
  [[nodiscard]] std::string text() const;
  // The IPv4 address that "::ffff:1.2.3.4" stands for; any other as it is.
  [[nodiscard]] IpAddress unmapped() const noexcept;

  // Whether the first `prefix` bits are those of `network`. The scope does not count, the version does.
  // Requires: prefix is not more than `network` has.
  [[nodiscard]] bool begins_as(const IpAddress& network, unsigned prefix) const noexcept;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint8_t size_ = 0;
  std::string scope_;
};

// An address, and how many bits of it all addresses of the network have in common.
struct IpNetwork {
  IpAddress address;
  unsigned prefix;

  [[nodiscard]] bool contains(const IpAddress& other) const noexcept { return other.begins_as(address, prefix); }
};

}  // namespace gevent
