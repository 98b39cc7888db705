#include "sync/broadcast.h"

#include "doctest/doctest.h"
#include "sync/counting_waiter.h"

using namespace gevent;

namespace {

// As a parked greenlet: a wake-up puts an entry on the ready queue.
class ReadyWaiter final : public Waiter {
 public:
  explicit ReadyWaiter(ReadyQueue& ready) : ready_(ready) {}
  void wake() noexcept override {
    ready_.push({[](void*, void*) noexcept {}, this, nullptr});
  }

 private:
  ReadyQueue& ready_;
};

}  // namespace

TEST_CASE("everybody in line is woken once, and who comes later waits for the next time") {
  Broadcast broadcast;
  CountingWaiter first, second, late;
  broadcast.queue.enqueue(first);
  broadcast.queue.enqueue(second);
  CHECK(broadcast.waiting() == 2);
  broadcast.wake_all(nullptr);
  broadcast.queue.enqueue(late);
  CHECK(first.woken == 1);
  CHECK(second.woken == 1);
  CHECK(late.woken == 0);
  CHECK(broadcast.waiting() == 1);
}

TEST_CASE("it catches up until the last of those woken has been taken off the ready queue") {
  Broadcast broadcast;
  ReadyQueue ready, other;
  ReadyWaiter first(ready), second(ready);
  CHECK_FALSE(broadcast.catching_up(&ready));
  broadcast.queue.enqueue(first);
  broadcast.queue.enqueue(second);
  broadcast.wake_all(&ready);
  CHECK(broadcast.catching_up(&ready));
  CHECK_FALSE(broadcast.catching_up(&other));
  REQUIRE(ready.peek() != nullptr);
  ready.pop();
  CHECK(broadcast.catching_up(&ready));
  REQUIRE(ready.peek() != nullptr);
  ready.pop();
  CHECK_FALSE(broadcast.catching_up(&ready));
}

TEST_CASE("waking an empty line leaves nothing to catch up with") {
  Broadcast broadcast;
  ReadyQueue ready;
  broadcast.wake_all(&ready);
  ready.push({[](void*, void*) noexcept {}, nullptr, nullptr});
  CHECK_FALSE(broadcast.catching_up(&ready));
}
