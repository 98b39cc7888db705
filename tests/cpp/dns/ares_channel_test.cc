#include "dns/ares_channel.h"

#include <ares.h>
#include <netdb.h>
#include <sys/wait.h>

#include <memory>

#include "dns/name_server.h"
#include "doctest/doctest.h"
#include "loop/libev/libev_loop.h"

using gevent::AresChannel;
using gevent::AresOptions;
using gevent::AresQuery;

namespace {

void count(AresQuery&, void* calls) noexcept { ++*static_cast<int*>(calls); }

struct World {
  explicit World(int timeout_ms = 5000, int tries = 1) : server(*loop) {
    AresOptions options;
    options.flags = ARES_FLAG_NOSEARCH;
    options.timeout_ms = timeout_ms;
    options.tries = tries;
    options.udp_port = server.port;
    REQUIRE(channel->open(options) == 0);
    REQUIRE(channel->set_servers({"127.0.0.1"}) == 0);
    server.addresses["one.test."] = {"10.0.0.1"};
    server.addresses["two.test."] = {"10.0.0.1", "10.0.0.2"};
    server.names["1.0.0.10.in-addr.arpa."] = "one.test.";
  }
  void run() { loop->run(gevent::Loop::Mode::kDefault); }

  std::unique_ptr<gevent::Loop> loop = gevent::make_libev_loop(0).value();
  NameServer server;
  std::shared_ptr<AresChannel> channel = std::make_shared<AresChannel>(*loop);
};

}  // namespace

TEST_CASE("the addresses of a name come through the loop, which ends when nothing is left to wait for") {
  World world;
  int calls = 0;
  AresQuery query(&count, &calls);
  world.channel->ask_addresses(query, "two.test", AF_INET, false);
  CHECK_FALSE(query.answered());
  world.run();
  CHECK(calls == 1);
  REQUIRE(query.answered());
  CHECK(query.answer.status == ARES_SUCCESS);
  REQUIRE(query.answer.addresses.size() == 2);
  CHECK(query.answer.addresses[0].text == "10.0.0.1");
  CHECK(query.answer.addresses[1].text == "10.0.0.2");
  CHECK(world.channel->sockets() == 0);
}

TEST_CASE("a name of both families is asked for in both, and each address comes once") {
  World world;
  int calls = 0;
  AresQuery query(&count, &calls);
  world.channel->ask_addresses(query, "one.test", AF_UNSPEC, true);
  world.run();
  CHECK(world.server.asked.size() == 2);
  REQUIRE(query.answer.addresses.size() == 1);
  CHECK(query.answer.addresses[0].family == AF_INET);
}

TEST_CASE("the name of an address, and of a service") {
  World world;
  int calls = 0;
  AresQuery host(&count, &calls), name(&count, &calls);
  world.channel->ask_host(host, "10.0.0.1");
  world.channel->ask_name(name, "10.0.0.1", 54321, 0, NI_NUMERICSERV);
  world.run();
  CHECK(calls == 2);
  CHECK(host.answer.name == "one.test");
  CHECK(name.answer.name == "one.test");
  CHECK(name.answer.service == "54321");
}

TEST_CASE("an unknown name is told from a server that says nothing") {
  World world(20);
  int calls = 0;
  AresQuery unknown(&count, &calls);
  world.channel->ask_addresses(unknown, "none.test", AF_INET, false);
  world.run();
  CHECK(unknown.answer.status == ARES_ENOTFOUND);
  world.server.silent = true;
  AresQuery unanswered(&count, &calls);
  world.channel->ask_addresses(unanswered, "one.test", AF_INET, false);
  world.run();
  CHECK(unanswered.answer.status == ARES_ETIMEOUT);
  CHECK(calls == 2);
}

TEST_CASE("an answer that needs nobody is there at once, and nobody is called") {
  World world;
  int calls = 0;
  AresQuery query(&count, &calls);
  world.channel->ask_addresses(query, "127.0.0.1", AF_INET, false);
  REQUIRE(query.answered());
  CHECK(query.answer.addresses.at(0).text == "127.0.0.1");
  world.run();
  CHECK(calls == 0);
  CHECK(world.server.asked.empty());
}

TEST_CASE("a query that goes is forgotten, and the last one to go cancels all") {
  World world;
  world.server.silent = true;
  int calls = 0;
  auto first = std::make_unique<AresQuery>(&count, &calls);
  auto second = std::make_unique<AresQuery>(&count, &calls);
  world.channel->ask_addresses(*first, "one.test", AF_INET, false);
  world.channel->ask_addresses(*second, "two.test", AF_INET, false);
  first.reset();
  CHECK(world.channel->sockets() != 0);
  second.reset();
  CHECK(world.channel->sockets() == 0);
  world.run();  // would take five seconds if anything were left
  CHECK(calls == 0);
}

TEST_CASE("closing answers what is open, and everything asked later") {
  World world;
  int calls = 0;
  AresQuery open(&count, &calls);
  world.channel->ask_addresses(open, "one.test", AF_INET, false);
  world.channel->close();
  CHECK(calls == 1);
  CHECK(open.answer.status == ARES_EDESTRUCTION);
  CHECK_FALSE(world.channel->is_open());
  AresQuery late(&count, &calls);
  world.channel->ask_host(late, "10.0.0.1");
  CHECK(late.answered());
  CHECK(late.answer.status == ARES_EDESTRUCTION);
  CHECK(world.channel->set_servers({"127.0.0.1"}) == ARES_EDESTRUCTION);
  world.channel->close();
  CHECK(calls == 1);
}

TEST_CASE("whoever hears an answer may close the channel, ask again, and drop others") {
  World world;
  struct Hearer {
    World* world;
    std::unique_ptr<AresQuery> other;
    std::unique_ptr<AresQuery> next;
    int calls = 0;
    static void hear(AresQuery& query, void* owner) noexcept {
      auto& self = *static_cast<Hearer*>(owner);
      self.other.reset();
      if (++self.calls == 1) {
        self.next = std::make_unique<AresQuery>(&Hearer::hear, owner);
        self.world->channel->ask_addresses(*self.next, "two.test", AF_INET, false);
        return;
      }
      CHECK(query.answer.addresses.size() == 2);
      self.world->channel->close();
      self.world->channel.reset();
    }
  } hearer{&world, nullptr, nullptr};
  int calls = 0;
  hearer.other = std::make_unique<AresQuery>(&count, &calls);
  AresQuery first(&Hearer::hear, &hearer);
  world.channel->ask_addresses(first, "one.test", AF_INET, false);
  world.channel->ask_addresses(*hearer.other, "one.test", AF_INET, false);
  world.run();
  CHECK(hearer.calls == 2);
  CHECK(calls == 0);
}

TEST_CASE("a channel outlives its loop: nobody is called, and nothing is touched") {
  auto world = std::make_unique<World>();
  std::shared_ptr<AresChannel> channel = world->channel;
  int calls = 0;
  AresQuery query(&count, &calls);
  channel->ask_addresses(query, "one.test", AF_INET, false);
  world.reset();
  CHECK(channel->loop_gone());
  channel->close();
  CHECK(calls == 0);
  CHECK_FALSE(query.answered());
}

TEST_CASE("in a child that abandoned the loop, closing gives the descriptors up and tells nobody") {
  World world;
  int calls = 0;
  AresQuery query(&count, &calls);
  world.channel->ask_addresses(query, "one.test", AF_INET, false);
  CHECK_FALSE(world.channel->inherited());
  const pid_t child = ::fork();
  if (child == 0) {
    world.loop->abandon();
    const bool known = world.channel->inherited() && world.channel->sockets() != 0;
    world.channel->close();
    ::_exit(known && world.channel->sockets() == 0 && calls == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  world.run();
  CHECK(query.answer.addresses.size() == 1);
}

TEST_CASE("only figures are addresses") {
  for (const char* text : {"127.0.0.1", "::1", "fe80::1"}) CHECK(AresChannel::is_address(text));
  for (const char* text : {"", "localhost", "127.1", "1.2.3.4:53", "fe80::1%lo"}) {
    CHECK_FALSE(AresChannel::is_address(text));
  }
}
