#include "http/proxy_header.h"

#include <string_view>
#include <vector>

#include "base/ip_address.h"
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

// The one spelling of an address of that version, or nothing.
std::string address_text(bool v4, std::string_view text) {
  const auto found = IpAddress::parse(text);
  return found && found->is_v4() == v4 && text.find('%') == std::string_view::npos ? found->text() : std::string();
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
  const bool v4 = words[1] == "TCP4";
  if ((!v4 && words[1] != "TCP6") || words.size() != 6) return refuse("a PROXY header that is none");
  address_ = address_text(v4, words[2]);
  port_ = port_number(words[4]);
  if (address_.empty() || address_text(v4, words[3]).empty() || port_ < 0 || port_number(words[5]) < 0) {
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
  address_ = IpAddress::of_bytes(bytes_.data() + kBinaryHead, v4 ? 4 : 16).text();
  const std::size_t port_at = kBinaryHead + (v4 ? 8 : 32);
  port_ = static_cast<int>(byte_at(bytes_, port_at) << 8 | byte_at(bytes_, port_at + 1));
}

void ProxyHeader::refuse(const char* reason) noexcept {
  refusal_ = {kBadRequest, reason};
  state_ = State::kRefused;
}

}  // namespace gevent::http
