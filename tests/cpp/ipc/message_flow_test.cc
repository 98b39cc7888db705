#include "ipc/message_flow.h"

#include <doctest/doctest.h>

namespace {

constexpr std::int64_t kShortNs = 5'000, kLongNs = 1'000'000;

void take(gevent::MessageFlow& flow, int count, std::int64_t time_ns) {
  while (count-- > 0) flow.waited(time_ns);
}

}  // namespace

TEST_CASE("messages that come after long waits are no flow") {
  gevent::MessageFlow flow;
  take(flow, 1000, kLongNs);
  CHECK_FALSE(flow.flows());
  CHECK_FALSE(flow.pays_to_pause());
}

TEST_CASE("messages that come after short waits are one, up to a long wait") {
  gevent::MessageFlow flow;
  take(flow, 100, kShortNs);
  CHECK(flow.flows());
  CHECK(flow.pays_to_pause());
  take(flow, 1, kLongNs);
  CHECK_FALSE(flow.flows());
}

TEST_CASE("as long as several messages come in a pause, the next one comes soon") {
  gevent::MessageFlow flow;
  take(flow, 100, kShortNs);
  for (int i = 0; i < 100; ++i) {
    CHECK(flow.pays_to_pause());
    for (int message = 0; message < 10; ++message) flow.found();
  }
}

TEST_CASE("where few come in a pause there are ever fewer of them") {
  gevent::MessageFlow flow;
  int pauses = 0;
  for (int message = 0; message < 10'000; ++message) {
    if (flow.flows() && flow.pays_to_pause()) ++pauses;
    flow.waited(kShortNs);
  }
  CHECK(pauses > 0);
  CHECK(pauses < 20);
}
