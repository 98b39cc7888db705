// The PROXY protocol, versions 1 and 2: what a proxy says about the client before anything that the client says.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/refusal.h"

namespace gevent::http {

class ProxyHeader {
 public:
  enum class State : std::uint8_t { kReading, kComplete, kRefused };

  // How many bytes to read next: never more than the header has, since what comes after it is not ours (and may be
  // TLS). Requires: kReading.
  [[nodiscard]] std::size_t wanted() const noexcept;
  // Requires: size <= wanted().
  void feed(const char* data, std::size_t size);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }

  // The client's address; empty where the proxy speaks for itself (LOCAL, UNKNOWN), or of a family without ports.
  // Requires: kComplete.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] int port() const noexcept { return port_; }

 private:
  void read_text();
  void read_binary();
  void refuse(const char* reason) noexcept;

  State state_ = State::kReading;
  Refusal refusal_;
  std::string bytes_;
  std::string address_;
  int port_ = 0;
};

}  // namespace gevent::http
