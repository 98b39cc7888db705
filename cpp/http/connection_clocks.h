// How long the clients of a server may take: one sweep over all connections now and then, instead of a timer for each
// wait.
//
// Whoever serves a connection notes what it waits for, which costs two stores and no look at a clock. The sweep sees
// what has not changed since it came by last, so it is late by up to one interval, never early. A connection that has
// used up its time is shut down for reading, or altogether where a client does not take what it is sent: whoever waits
// for it then meets the end of the stream, and finds `expired()`.
//
// A server's connections belong to one thread.
#pragma once
#include <cstdint>

#include "base/intrusive_list.h"

namespace gevent::http {

enum class Phase : std::uint8_t {
  kBusy,       // nothing is asked of the client
  kIdle,       // between two requests, and before the first
  kHead,       // a head has begun
  kBody,       // a body is waited for
  kSend,       // the client takes what it is sent
  kHandshake,  // of TLS, before anything of HTTP
};

struct ClockLimits {  // in seconds; negative: none
  double idle = -1;
  double head = -1;
  double send = -1;           // without any progress
  double body_rate_min = -1;  // bytes a second, over all the time that a body was waited for
  double body_grace = 5;      // seconds of waiting before the rate counts
  double handshake = -1;
};

class ConnectionClocks;

class ConnectionClock : public ListNode {
 public:
  explicit ConnectionClock(int fd) noexcept : fd_(fd) {}
  ConnectionClock(const ConnectionClock&) = delete;
  ConnectionClock& operator=(const ConnectionClock&) = delete;

  void enter(Phase phase) noexcept {
    phase_ = phase;
    ++changes_;
  }
  // A new body, and what has come of it.
  void begin_body() noexcept {
    body_bytes_ = 0;
    body_waited_s_ = 0;
  }
  void received(std::uint64_t bytes) noexcept { body_bytes_ += bytes; }

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] bool expired() const noexcept { return expired_; }

  // Whether this is to be the last request.
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  // The next answer is the last: a request that is on its way is still answered.
  void announce_close() noexcept { closing_ = true; }
  // The server stops: what has begun may end. Ends the wait for a request that has not, and for a handshake.
  void close_soon() noexcept;
  // Ends all waits, and the connection.
  void cut() noexcept;
  // The descriptor is about to be closed.
  void forget() noexcept { fd_ = -1; }

 private:
  friend class ConnectionClocks;
  void expire() noexcept;
  [[nodiscard]] std::uint64_t taken_by_client() const noexcept;

  int fd_;
  Phase phase_ = Phase::kBusy;
  bool expired_ = false;
  bool closing_ = false;
  std::uint32_t changes_ = 0;
  std::uint32_t changes_seen_ = 0;
  double since_s_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t body_bytes_ = 0;
  double body_waited_s_ = 0;
};

class ConnectionClocks {
 public:
  explicit ConnectionClocks(const ClockLimits& limits) noexcept : limits_(limits) {}

  void add(ConnectionClock& clock) noexcept { all_.push_back(clock); }

  // How often sweep() is to be called, in seconds; negative: there is nothing to look for.
  [[nodiscard]] double interval() const noexcept;
  // `now_s` is of any clock that never goes back.
  void sweep(double now_s) noexcept;

 private:
  void look_at(ConnectionClock& clock, double now_s, double passed_s) noexcept;

  ClockLimits limits_;
  IntrusiveList<ConnectionClock> all_;
  double last_s_ = -1;
};

}  // namespace gevent::http
