#include "sync/channel.h"

#include <doctest/doctest.h>

#include "sync/counting_waiter.h"

using namespace gevent;
using From = Channel::From;

namespace {

struct Putter {
  Putter(Channel& channel, int item) : channel(channel), item(item) {
    channel.begin_put(wait, -1, &this->item);
    waiter.cookie = wait.ticket();
    channel.putters.queue.enqueue(waiter);
  }
  bool end() { return channel.end_put(wait); }
  Channel& channel;
  int item;
  LineWait wait;
  CountingWaiter waiter;
};

struct Getter {
  explicit Getter(Channel& channel) : channel(channel) {
    channel.begin_get(wait, -1, this);
    waiter.cookie = wait.ticket();
    channel.getters.queue.enqueue(waiter);
  }
  void end() { channel.end_get(wait); }
  Channel& channel;
  LineWait wait;
  CountingWaiter waiter;
};

int take(Channel& channel) {
  void* item = nullptr;
  return channel.take(item) == From::kPutter ? *static_cast<int*>(item) : 0;
}

}  // namespace

TEST_CASE("channel: a getter takes from the putter who has waited longest, and wakes it") {
  Channel channel;
  Putter one(channel, 1), two(channel, 2);
  CHECK(channel.balance() == 2);
  CHECK(take(channel) == 1);
  CHECK(one.waiter.woken == 1);
  CHECK(two.waiter.woken == 0);
  CHECK(one.end());
  CHECK(take(channel) == 2);
  CHECK(take(channel) == 0);
  CHECK(two.end());
}

TEST_CASE("channel: a putter that leaves before its item was taken has given nothing") {
  Channel channel;
  Putter one(channel, 1), two(channel, 2);
  one.waiter.unlink();
  CHECK_FALSE(one.end());
  CHECK(take(channel) == 2);
  CHECK(two.end());
}

TEST_CASE("channel: a putter that comes first tells the first getter, one each") {
  Channel channel;
  Getter first(channel), second(channel);
  Putter putter(channel, 1);
  CHECK(first.waiter.woken == 1);
  CHECK(second.waiter.woken == 0);
  CHECK(take(channel) == 1);
  CHECK(putter.end());
  first.end();
  CHECK(second.waiter.woken == 0);
}

TEST_CASE("channel: a getter that was woken and leaves without taking lets the next one know") {
  Channel channel;
  Getter first(channel), second(channel);
  Putter putter(channel, 1);
  first.end();
  CHECK(second.waiter.woken == 1);
  putter.waiter.unlink();
  CHECK_FALSE(putter.end());
}

TEST_CASE("channel: what lies on the counter goes first, and is nobody's stay in line") {
  Channel channel;
  Getter getter(channel);
  channel.note_left();
  CHECK(getter.waiter.woken == 1);
  Putter putter(channel, 7);
  void* item = nullptr;
  CHECK(channel.take(item) == From::kCounter);
  CHECK(item == nullptr);
  CHECK(channel.take(item) == From::kPutter);
  CHECK(channel.take(item) == From::kNobody);
  CHECK(putter.end());
  getter.end();
}
