#include "base/ip_address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace gevent {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool read(int family, std::string_view text, void* bytes) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  terminated[text.copy(terminated, text.size())] = '\0';
  return ::inet_pton(family, terminated, bytes) == 1;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  IpAddress made;
  const std::size_t percent = text.find('%');
  if (percent == std::string_view::npos && read(AF_INET, text, made.bytes_.data())) {
    made.size_ = 4;
    return made;
  }
  if (text.ends_with('%') || !read(AF_INET6, text.substr(0, percent), made.bytes_.data())) return std::nullopt;
  made.size_ = 16;
  if (percent != std::string_view::npos) made.scope_ = text.substr(percent);
  return made;
}

IpAddress IpAddress::of_bytes(const void* bytes, std::size_t size) noexcept {
  GEVENT_CHECK(size == 4 || size == 16);
  IpAddress made;
  std::memcpy(made.bytes_.data(), bytes, size);
  made.size_ = static_cast<std::uint8_t>(size);
  return made;
}

std::string IpAddress::text() const {
  char written[INET6_ADDRSTRLEN];
  if (::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), written, sizeof written) == nullptr) return {};
  return written + scope_;
}

IpAddress IpAddress::unmapped() const noexcept {
  if (is_v4() || !std::equal(kMapped.begin(), kMapped.end(), bytes_.begin())) return *this;
  return of_bytes(bytes_.data() + kMapped.size(), 4);
}

bool IpAddress::begins_as(const IpAddress& network, unsigned prefix) const noexcept {
  if (size_ != network.size_) return false;
  const std::size_t whole = prefix / 8;
  if (std::memcmp(bytes_.data(), network.bytes_.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  return rest == 0 || ((bytes_[whole] ^ network.bytes_[whole]) >> (8 - rest)) == 0;
}

}  // namespace gevent
