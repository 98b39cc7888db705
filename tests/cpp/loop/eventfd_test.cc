#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>

#include "loop/engines.h"

#ifdef GEVENT_HAVE_EVENTFD
#include <sys/eventfd.h>

using namespace gevent;
using testing::Counter;
using testing::make_loop;

namespace {

OwnedFd make_eventfd(int flags = 0) {
  OwnedFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | flags));
  REQUIRE(fd.valid());
  return fd;
}

void add(const OwnedFd& fd, std::uint64_t amount) {
  REQUIRE(::write(fd.get(), &amount, sizeof amount) == sizeof amount);
}

}  // namespace

LOOP_TEST_CASE("an eventfd's counter is taken whole, and told to the callback") {
  auto loop = make_loop();
  const OwnedFd fd = make_eventfd();
  Counter counter;
  Eventfd watcher(*loop, fd.get(), Counter::on_event, &counter);
  watcher.start();
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 0);
  add(fd, 3);
  add(fd, 4);
  loop->run(Loop::Mode::kOnce);
  CHECK(counter.calls == 1);
  CHECK(watcher.value == 7);
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
}

LOOP_TEST_CASE("an EFD_SEMAPHORE is taken by ones") {
  auto loop = make_loop();
  const OwnedFd fd = make_eventfd(EFD_SEMAPHORE);
  Counter counter;
  Eventfd watcher(*loop, fd.get(), Counter::on_event, &counter);
  watcher.start();
  add(fd, 3);
  for (int i = 1; i <= 3; ++i) {
    loop->run(Loop::Mode::kOnce);
    CHECK(counter.calls == i);
    CHECK(watcher.value == 1);
  }
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 3);
}

LOOP_TEST_CASE("when somebody else takes the counter first there is no callback") {
  auto loop = make_loop();
  const OwnedFd fd = make_eventfd();
  Counter first_counter, second_counter;
  Eventfd first(*loop, fd.get(), Counter::on_event, &first_counter);
  Eventfd second(*loop, fd.get(), Counter::on_event, &second_counter);
  first.start();
  second.start();
  add(fd, 5);
  loop->run(Loop::Mode::kOnce);
  CHECK(first_counter.calls + second_counter.calls == 1);
}

LOOP_TEST_CASE("stopping, ref and feeding are those of every watcher") {
  auto loop = make_loop();
  const OwnedFd fd = make_eventfd();
  Counter counter;
  Eventfd watcher(*loop, fd.get(), Counter::on_event, &counter);
  watcher.start();
  CHECK(watcher.active());
  CHECK(loop->facts().active == 1);
  watcher.set_ref(false);
  CHECK_FALSE(loop->run(Loop::Mode::kDefault));
  watcher.feed(kRead);
  CHECK(watcher.pending());
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
  CHECK(counter.last_events == kRead);
  watcher.stop();
  add(fd, 1);
  loop->run(Loop::Mode::kNowait);
  CHECK(counter.calls == 1);
}
#endif
