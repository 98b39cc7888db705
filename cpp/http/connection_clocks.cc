#include "http/connection_clocks.h"

#include <sys/socket.h>
#ifdef __linux__
#include <linux/tcp.h>
#include <netinet/in.h>
#endif

#include <algorithm>

namespace gevent::http {
namespace {

constexpr double kIntervalMin = 0.02;
constexpr double kIntervalMax = 1;
constexpr double kPartsOfALimit = 8;

}  // namespace

void ConnectionClock::close_soon() noexcept {
  closing_ = true;
  if ((phase_ == Phase::kIdle || phase_ == Phase::kHandshake) && fd_ >= 0) ::shutdown(fd_, SHUT_RD);
}

void ConnectionClock::cut() noexcept {
  closing_ = true;
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

void ConnectionClock::expire() noexcept {
  expired_ = true;
  // Whoever may still be answered is: with 408.
  const bool is_mute = phase_ == Phase::kSend || phase_ == Phase::kHandshake;
  if (fd_ >= 0) ::shutdown(fd_, is_mute ? SHUT_RDWR : SHUT_RD);
}

// Any number that changes when the client has taken more.
std::uint64_t ConnectionClock::taken_by_client() const noexcept {
#ifdef __linux__
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (fd_ >= 0 && ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) return info.tcpi_bytes_acked;
#endif
  return 0;
}

double ConnectionClocks::interval() const noexcept {
  double shortest = -1;
  for (const double each : {limits_.idle, limits_.head, limits_.send,
                            limits_.body_rate_min < 0 ? -1 : limits_.body_grace, limits_.handshake}) {
    if (each >= 0 && (shortest < 0 || each < shortest)) shortest = each;
  }
  return shortest < 0 ? -1 : std::clamp(shortest / kPartsOfALimit, kIntervalMin, kIntervalMax);
}

void ConnectionClocks::sweep(double now_s) noexcept {
  // After a long time without a sweep, as in a process that was stopped, nobody is to blame for all of it.
  const double passed_s = last_s_ < 0 ? 0 : std::min(now_s - last_s_, 4 * std::max(interval(), kIntervalMin));
  last_s_ = now_s;
  for (ConnectionClock* clock = all_.front(); clock != nullptr; clock = all_.after(*clock)) {
    look_at(*clock, now_s, passed_s);
  }
}

void ConnectionClocks::look_at(ConnectionClock& clock, double now_s, double passed_s) noexcept {
  if (clock.expired_ || clock.phase_ == Phase::kBusy) return;
  if (clock.phase_ == Phase::kBody) {
    if (limits_.body_rate_min < 0) return;
    clock.body_waited_s_ += passed_s;
    if (clock.body_waited_s_ > limits_.body_grace &&
        static_cast<double>(clock.body_bytes_) < limits_.body_rate_min * clock.body_waited_s_) {
      clock.expire();
    }
    return;
  }
  bool changed = clock.changes_ != clock.changes_seen_;
  if (clock.phase_ == Phase::kSend && limits_.send >= 0) {
    const std::uint64_t taken = clock.taken_by_client();
    changed |= taken != clock.taken_;
    clock.taken_ = taken;
  }
  if (changed) {
    clock.changes_seen_ = clock.changes_;
    clock.since_s_ = now_s;
    return;
  }
  const double limit = clock.phase_ == Phase::kIdle        ? limits_.idle
                       : clock.phase_ == Phase::kHead      ? limits_.head
                       : clock.phase_ == Phase::kHandshake ? limits_.handshake
                                                           : limits_.send;
  if (limit >= 0 && now_s - clock.since_s_ >= limit) clock.expire();
}

}  // namespace gevent::http
