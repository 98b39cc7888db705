#include "dns/ares_channel.h"

// Functions that 1.34 would like to see replaced are the ones that all releases since 1.18 share.
#define CARES_NO_DEPRECATED 1
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "base/fork_generation.h"

namespace gevent {

// What c-ares knows a query by: stays until c-ares has called back, also when the query has gone.
struct AresFlight : public ListNode {
  AresFlight(AresChannel& channel, AresQuery& query) noexcept : channel(&channel), query(&query) {}

  // The query, if somebody still wants the answer, no longer in flight; either way this is gone.
  AresQuery* land() noexcept {
    AresQuery* landed = query;
    if (landed != nullptr) {
      landed->flight_ = nullptr;
      landed->answered_ = true;
      channel->answered_.push_back(*landed);
      --channel->wanted_;
    }
    delete this;
    return landed;
  }

  AresChannel* channel;
  AresQuery* query;
};

namespace {

// Room for either kind of address.
union Address {
  in_addr v4;
  in6_addr v6;
};

// AF_INET, AF_INET6, or AF_UNSPEC if `text` is neither.
int parse(const char* text, Address& address) noexcept {
  if (::inet_pton(AF_INET, text, &address.v4) == 1) return AF_INET;
  if (::inet_pton(AF_INET6, text, &address.v6) == 1) return AF_INET6;
  return AF_UNSPEC;
}

DnsAddress as_text(int family, const void* address, std::uint32_t scope_id) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family, address, text, sizeof text);
  return {family, text, scope_id};
}

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

void fill(DnsAnswer& answer, const ares_addrinfo& found) {
  answer.name = text_or_empty(found.name);
  for (const ares_addrinfo_cname* step = found.cnames; step != nullptr; step = step->next) {
    // Of a hosts file line each alias is a step, to the same name.
    if (step->alias != nullptr) answer.aliases.emplace_back(step->alias);
    if (step->name != nullptr) answer.name = step->name;
  }
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family == AF_INET) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
      answer.addresses.push_back(as_text(AF_INET, &address->sin_addr, 0));
    } else if (node->ai_family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      answer.addresses.push_back(as_text(AF_INET6, &address->sin6_addr, address->sin6_scope_id));
    }
  }
}

void fill(DnsAnswer& answer, const hostent& found) {
  answer.name = text_or_empty(found.h_name);
  for (char** alias = found.h_aliases; alias != nullptr && *alias != nullptr; ++alias)
    answer.aliases.emplace_back(*alias);
  for (char** address = found.h_addr_list; address != nullptr && *address != nullptr; ++address)
    answer.addresses.push_back(as_text(found.h_addrtype, *address, 0));
}

int nameinfo_flags(int flags) noexcept {
  static constexpr struct {
    int system, ares;
  } kPairs[] = {{NI_NOFQDN, ARES_NI_NOFQDN},
                {NI_NUMERICHOST, ARES_NI_NUMERICHOST},
                {NI_NAMEREQD, ARES_NI_NAMEREQD},
                {NI_NUMERICSERV, ARES_NI_NUMERICSERV},
                {NI_DGRAM, ARES_NI_DGRAM}};
  int translated = ARES_NI_LOOKUPHOST | ARES_NI_LOOKUPSERVICE;
  for (const auto& pair : kPairs) {
    if ((flags & pair.system) != 0) translated |= pair.ares;
  }
  return translated;
}

}  // namespace

AresQuery::~AresQuery() {
  if (flight_ == nullptr) return;
  AresFlight* flight = std::exchange(flight_, nullptr);
  flight->query = nullptr;
  flight->channel->lost_interest();
}

AresChannel::AresChannel(Loop& loop) noexcept
    : timer_(loop, 0.0, 0.0, &AresChannel::on_time, this), generation_(fork_generation()) {
  timer_.set_ref(false);
}

AresChannel::~AresChannel() { close(); }

int AresChannel::open(const AresOptions& wanted) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return library;
  ares_options options = {};
  int given = ARES_OPT_SOCK_STATE_CB;
  options.sock_state_cb = &AresChannel::on_socket_state;
  options.sock_state_cb_data = this;
  const auto take = [&given](const auto& value, auto& option, int bit) {
    if (!value) return;
    option = *value;
    given |= bit;
  };
  take(wanted.flags, options.flags, ARES_OPT_FLAGS);
  take(wanted.timeout_ms, options.timeout, ARES_OPT_TIMEOUTMS);
  take(wanted.tries, options.tries, ARES_OPT_TRIES);
  take(wanted.ndots, options.ndots, ARES_OPT_NDOTS);
  take(wanted.udp_port, options.udp_port, ARES_OPT_UDP_PORT);
  take(wanted.tcp_port, options.tcp_port, ARES_OPT_TCP_PORT);
  const int status = ares_init_options(&channel_, &options, given);
  if (status != ARES_SUCCESS) channel_ = nullptr;
  return status;
}

int AresChannel::set_servers(const std::vector<std::string>& addresses) {
  if (!is_open()) return ARES_EDESTRUCTION;
  std::vector<ares_addr_node> nodes(addresses.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Address address = {};
    nodes[i].family = parse(addresses[i].c_str(), address);
    std::memcpy(&nodes[i].addr, &address, sizeof nodes[i].addr);
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
  }
  return ares_set_servers(channel_, nodes.empty() ? nullptr : nodes.data());
}

void AresChannel::close() noexcept {
  if (!is_open()) return;
  timer_.stop();
  if (loop_gone()) forget_all();
  ares_channeldata* channel = std::exchange(channel_, nullptr);
  if (timer_.loop() != nullptr && timer_.loop()->abandoned()) {
    // What c-ares has in memory is kept for ever, like all that the loop knew; the parent's sockets need not be.
    for (const auto& socket : sockets_) ::close(socket->fd());
  } else {
    ares_destroy(channel);
  }
  sockets_.clear();
  deliver();
}

// Nobody will come for an answer any more.
void AresChannel::forget_all() noexcept {
  for (AresFlight* flight = flights_.front(); flight != nullptr; flight = flights_.after(*flight)) {
    if (flight->query == nullptr) continue;
    flight->query->flight_ = nullptr;
    flight->query = nullptr;
  }
  while (answered_.pop_front() != nullptr) {
  }
  wanted_ = 0;
}

// ---- asking ---------------------------------------------------------------------------------------------------------

void AresChannel::ask_addresses(AresQuery& query, const char* name, int family, bool sorted) {
  AresFlight* flight = depart(query);
  if (flight == nullptr) return;
  ares_addrinfo_hints hints = {};
  hints.ai_flags = ARES_AI_CANONNAME | (sorted ? 0 : ARES_AI_NOSORT);
  hints.ai_family = family;
  // One kind of socket, so that each address comes once.
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_protocol = IPPROTO_TCP;
  ares_getaddrinfo(channel_, name, nullptr, &hints, &AresChannel::on_addresses, flight);
  settle(query);
}

void AresChannel::ask_host(AresQuery& query, const char* text) {
  AresFlight* flight = depart(query);
  if (flight == nullptr) return;
  Address address = {};
  const int family = parse(text, address);
  const int length = family == AF_INET ? sizeof address.v4 : sizeof address.v6;
  ares_gethostbyaddr(channel_, &address, length, family, &AresChannel::on_host, flight);
  settle(query);
}

void AresChannel::ask_name(AresQuery& query, const char* text, std::uint16_t port, std::uint32_t scope_id, int flags) {
  AresFlight* flight = depart(query);
  if (flight == nullptr) return;
  Address address = {};
  sockaddr_in v4 = {};
  sockaddr_in6 v6 = {};
  const bool is_v4 = parse(text, address) == AF_INET;
  if (is_v4) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr = address.v4;
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = address.v6;
    v6.sin6_scope_id = scope_id;
  }
  const auto* socket_address = is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  ares_getnameinfo(channel_, socket_address, is_v4 ? sizeof v4 : sizeof v6, nameinfo_flags(flags),
                   &AresChannel::on_name, flight);
  settle(query);
}

// Books `query` as under way; nullptr if it was answered at once because this is closed.
AresFlight* AresChannel::depart(AresQuery& query) {
  query.answer = {};
  query.answered_ = !is_open();
  if (!is_open()) {
    query.answer.status = ARES_EDESTRUCTION;
    return nullptr;
  }
  auto* flight = new AresFlight(*this, query);
  flights_.push_back(*flight);
  query.flight_ = flight;
  set_wanted(wanted_ + 1);
  return flight;
}

// After asking: an answer that is there already is not delivered, the asker sees it.
void AresChannel::settle(AresQuery& query) noexcept {
  if (query.answered_) query.unlink();
  settle();
}

// After c-ares did something: when will it want to be called again?
void AresChannel::settle() noexcept {
  timer_.stop();
  set_wanted(wanted_);
  if (!is_open() || loop_gone()) return;
  timeval left = {};
  if (!answered_.empty()) {
    timer_.set(0.0, 0.0);
  } else if (ares_timeout(channel_, nullptr, &left) != nullptr) {
    timer_.set(static_cast<double>(left.tv_sec) + static_cast<double>(left.tv_usec) / 1e6, 0.0);
  } else {
    return;
  }
  timer_.start();
}

void AresChannel::set_wanted(std::size_t count) noexcept {
  wanted_ = count;
  const bool ref = wanted_ != 0 || !answered_.empty();
  timer_.set_ref(ref);
  for (const auto& socket : sockets_) socket->set_ref(ref);
}

void AresChannel::lost_interest() noexcept {
  if (--wanted_ != 0 || !is_open() || loop_gone()) return;
  ares_cancel(channel_);
  settle();
}

// ---- the loop calls -------------------------------------------------------------------------------------------------

void AresChannel::on_ready(Watcher& watcher, int revents) noexcept {
  const int fd = static_cast<Io&>(watcher).fd();
  static_cast<AresChannel*>(watcher.owner)
      ->process((revents & kRead) != 0 ? fd : ARES_SOCKET_BAD, (revents & kWrite) != 0 ? fd : ARES_SOCKET_BAD);
}

void AresChannel::on_time(Watcher& watcher, int) noexcept {
  static_cast<AresChannel*>(watcher.owner)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void AresChannel::process(int readable, int writable) noexcept {
  if (!is_open()) return;
  // Whoever hears an answer may let go of this.
  const std::shared_ptr<AresChannel> alive = shared_from_this();
  ares_process_fd(channel_, readable, writable);
  deliver();
  settle();
}

void AresChannel::deliver() noexcept {
  while (AresQuery* query = answered_.pop_front()) query->on_answer_(*query, query->owner_);
}

// ---- c-ares calls ---------------------------------------------------------------------------------------------------

void AresChannel::on_socket_state(void* self_pointer, int fd, int readable, int writable) {
  auto& self = *static_cast<AresChannel*>(self_pointer);
  const int events = (readable != 0 ? kRead : 0) | (writable != 0 ? kWrite : 0);
  auto known = self.sockets_.begin();
  while (known != self.sockets_.end() && (*known)->fd() != fd) ++known;
  if (events == 0) {
    if (known != self.sockets_.end()) self.sockets_.erase(known);
    return;
  }
  // Once the loop is gone, c-ares is only taken down.
  if (self.timer_.loop() == nullptr) return;
  if (known == self.sockets_.end()) {
    self.sockets_.push_back(std::make_unique<Io>(*self.timer_.loop(), fd, events, &AresChannel::on_ready, &self));
    self.sockets_.back()->start();
  } else if ((*known)->events() != events) {
    (*known)->stop();
    (*known)->set(fd, events);
    (*known)->start();
  }
}

void AresChannel::on_addresses(void* flight, int status, int, ares_addrinfo* found) {
  if (AresQuery* query = static_cast<AresFlight*>(flight)->land()) {
    query->answer.status = status;
    if (found != nullptr && status == ARES_SUCCESS) fill(query->answer, *found);
  }
  if (found != nullptr) ares_freeaddrinfo(found);
}

void AresChannel::on_host(void* flight, int status, int, hostent* found) {
  AresQuery* query = static_cast<AresFlight*>(flight)->land();
  if (query == nullptr) return;
  query->answer.status = status;
  if (found != nullptr && status == ARES_SUCCESS) fill(query->answer, *found);
}

void AresChannel::on_name(void* flight, int status, int, char* node, char* service) {
  AresQuery* query = static_cast<AresFlight*>(flight)->land();
  if (query == nullptr) return;
  query->answer.status = status;
  query->answer.name = text_or_empty(node);
  query->answer.service = text_or_empty(service);
}

// ---- facts ----------------------------------------------------------------------------------------------------------

bool AresChannel::is_address(const char* text) noexcept {
  Address address;
  return parse(text, address) != AF_UNSPEC;
}

const char* AresChannel::library_version() noexcept { return ares_version(nullptr); }

bool AresChannel::inherited() const noexcept { return generation_ != fork_generation(); }

}  // namespace gevent
