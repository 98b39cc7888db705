// Names and addresses through c-ares, driven by a Loop.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/ares_query.h"
#include "loop/loop.h"

struct ares_channeldata;
struct ares_addrinfo;
struct hostent;

namespace gevent {

// How to ask. What is not given is c-ares' choice: the system's resolv.conf where that has an opinion.
struct AresOptions {
  std::optional<int> flags;  // ARES_FLAG_*
  std::optional<int> timeout_ms;
  std::optional<int> tries;
  std::optional<int> ndots;
  std::optional<std::uint16_t> udp_port;
  std::optional<std::uint16_t> tcp_port;
};

// A c-ares channel whose sockets and time limits are watchers of one loop. The loop goes on as long as somebody wants
// an answer; once nobody does, everything under way is cancelled.
//
// For the loop's own thread. No function waits. c-ares is never entered from one of its own callbacks: answers are
// collected there and delivered after it has returned, so a callback may do anything, closing this included.
//
// After a fork the sockets are shared with the parent, whose answers a child could take: the child is to open a channel
// of its own (inherited()). Closing the old one is safe there, also when its loop was abandoned: then nothing but the
// descriptors is given up, and nobody is told.
class AresChannel : public std::enable_shared_from_this<AresChannel> {
 public:
  explicit AresChannel(Loop& loop) noexcept;
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;
  ~AresChannel();

  // Once, first of all. 0, or c-ares' number for what went wrong; then every question is answered with
  // ARES_EDESTRUCTION, as it is after close().
  [[nodiscard]] int open(const AresOptions& options);

  // Whom to ask, in this order; ports are those of the options. Not while a question is open (ARES_ENOTIMP).
  // Requires: is_address(each). 0 or c-ares' number.
  [[nodiscard]] int set_servers(const std::vector<std::string>& addresses);

  // Answers what is under way with ARES_EDESTRUCTION and gives everything back. Does nothing the second time.
  void close() noexcept;

  // The addresses of `name`. `family`: AF_INET, AF_INET6, or AF_UNSPEC for both. `sorted`: the best to connect to first
  // (RFC 6724), otherwise as the answer has them.
  void ask_addresses(AresQuery& query, const char* name, int family, bool sorted);
  // The name of `address`. Requires: is_address(address).
  void ask_host(AresQuery& query, const char* address);
  // The name of `address`, and of the service at `port`; `flags` as getnameinfo() has them (NI_*).
  // Requires: is_address(address).
  void ask_name(AresQuery& query, const char* address, std::uint16_t port, std::uint32_t scope_id, int flags);

  // Whether `text` is an IPv4 or IPv6 address, without a scope.
  [[nodiscard]] static bool is_address(const char* text) noexcept;
  [[nodiscard]] static const char* library_version() noexcept;

  [[nodiscard]] bool is_open() const noexcept { return channel_ != nullptr; }
  [[nodiscard]] bool inherited() const noexcept;  // opened before a fork that made this process
  [[nodiscard]] bool loop_gone() const noexcept { return timer_.loop() == nullptr || timer_.loop()->abandoned(); }
  [[nodiscard]] std::size_t sockets() const noexcept { return sockets_.size(); }

 private:
  friend class AresQuery;
  friend struct AresFlight;

  static void on_socket_state(void* self, int fd, int readable, int writable);
  static void on_addresses(void* flight, int status, int timeouts, ares_addrinfo* found);
  static void on_host(void* flight, int status, int timeouts, hostent* found);
  static void on_name(void* flight, int status, int timeouts, char* node, char* service);
  static void on_ready(Watcher& watcher, int revents) noexcept;
  static void on_time(Watcher& watcher, int revents) noexcept;

  AresFlight* depart(AresQuery& query);
  void settle(AresQuery& query) noexcept;
  void settle() noexcept;
  void deliver() noexcept;
  void process(int readable, int writable) noexcept;
  void lost_interest() noexcept;
  void set_wanted(std::size_t count) noexcept;
  void forget_all() noexcept;

  ares_channeldata* channel_ = nullptr;
  std::vector<std::unique_ptr<Io>> sockets_;
  Timer timer_;
  IntrusiveList<AresFlight> flights_;
  IntrusiveList<AresQuery> answered_;  // to be delivered
  std::size_t wanted_ = 0;             // flights whose answer somebody waits for
  std::uint64_t generation_;
};

}  // namespace gevent
