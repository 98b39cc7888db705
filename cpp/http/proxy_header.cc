#include "http/proxy_header.h"

#include <arpa/inet.h>

#include <string_view>
#include <vector>

#include "http/characters.h"

namespace gevent::http {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kTextBegin = "PROXY ";
constexpr std::size_t kShortest = 15;  // "PROXY UNKNOWN\r\n"
constexpr std::size_t kBinaryHead = 16;
constexpr std::size_t kTextMax = 107;
constexpr std::size_t kBinaryRestMax = 4096;

unsigned byte_at(const std::string& bytes, std::size_t index) noexcept {
  return static_cast<unsigned char>(bytes[index]);
}

std::size_t binary_size(const std::string& bytes) noexcept {
  return kBinaryHead + (byte_at(bytes, 14) << 8 | byte_at(bytes, 15));
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t blank = line.find(' ');
    words.push_back(line.substr(0, blank));
    if (blank == std::string_view::npos) return words;
    line.remove_prefix(blank + 1);
  }
}

// The canonical text of an address, or nothing.
std::string address_text(int family, std::string_view text) {
  unsigned char raw[16];
  char canonical[INET6_ADDRSTRLEN];
  if (::inet_pton(family, std::string(text).c_str(), raw) != 1) return {};
  return ::inet_ntop(family, raw, canonical, sizeof canonical) == nullptr ? std::string() : canonical;
}

int port_number(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || !all_are(text, kDigit) || (text.size() > 1 && text.front() == '0')) return -1;
  int number = 0;
  for (const char digit : text) number = number * 10 + (digit - '0');
  return number <= 65535 ? number : -1;
}

}  // namespace

std::size_t ProxyHeader::wanted() const noexcept {
  if (bytes_.size() < kShortest) return kShortest - bytes_.size();
  if (bytes_.front() == 'P') return 1;
  return (bytes_.size() < kBinaryHead ? kBinaryHead : binary_size(bytes_)) - bytes_.size();
}

void ProxyHeader::feed(const char* data, std::size_t size) {
  bytes_.append(data, size);
  const std::string_view seen(bytes_);
  const bool text = kTextBegin.starts_with(seen.substr(0, kTextBegin.size()));
  if (!text && !kSignature.starts_with(seen.substr(0, kSignature.size()))) return refuse("no PROXY header");
  if (text) {
    if (seen.ends_with("\r\n")) return read_text();
    if (seen.size() >= kTextMax || seen.find('\n') != std::string_view::npos) refuse("a PROXY header without an end");
    return;
  }
  if (seen.size() < kBinaryHead) return;
  if (binary_size(bytes_) > kBinaryHead + kBinaryRestMax) return refuse("a PROXY header that is too long");
  if (seen.size() == binary_size(bytes_)) read_binary();
}

void ProxyHeader::read_text() {
  const std::vector<std::string_view> words = words_of(std::string_view(bytes_).substr(0, bytes_.size() - 2));
  if (words[1] == "UNKNOWN") {
    state_ = State::kComplete;
    return;
  }
  const int family = words[1] == "TCP4" ? AF_INET : words[1] == "TCP6" ? AF_INET6 : -1;
  if (family < 0 || words.size() != 6) return refuse("a PROXY header that is none");
  address_ = address_text(family, words[2]);
  port_ = port_number(words[4]);
  if (address_.empty() || address_text(family, words[3]).empty() || port_ < 0 || port_number(words[5]) < 0) {
    return refuse("a PROXY header with an invalid address");
  }
  state_ = State::kComplete;
}

void ProxyHeader::read_binary() {
  const unsigned version_and_command = byte_at(bytes_, 12);
  const unsigned family_and_protocol = byte_at(bytes_, 13);
  const std::size_t rest = bytes_.size() - kBinaryHead;
  if (version_and_command != 0x20 && version_and_command != 0x21) return refuse("a PROXY header of an unknown version");
  state_ = State::kComplete;
  if (version_and_command == 0x20) return;  // LOCAL
  const bool v4 = family_and_protocol == 0x11, v6 = family_and_protocol == 0x21;
  if (!v4 && !v6) return;  // nothing that says who it is
  if (rest < (v4 ? 12u : 36u)) return refuse("a PROXY header with an invalid address");
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + kBinaryHead, text, sizeof text);
  address_ = text;
  const std::size_t port_at = kBinaryHead + (v4 ? 8 : 32);
  port_ = static_cast<int>(byte_at(bytes_, port_at) << 8 | byte_at(bytes_, port_at + 1));
}

void ProxyHeader::refuse(const char* reason) noexcept {
  refusal_ = {kBadRequest, reason};
  state_ = State::kRefused;
}

}  // namespace gevent::http
