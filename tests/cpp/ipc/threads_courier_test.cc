#include "ipc/courier.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/clock.h"
#include "ipc/transfer.h"

namespace gevent {
namespace {

struct Ends {
  OwnedFd reading;
  OwnedFd writing;
};

Ends make_pipe() {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  return {OwnedFd(fds[0]), OwnedFd(fds[1])};
}

std::string framed(const std::string& text) {
  const FrameHeader header(text.size());
  return std::string(reinterpret_cast<const char*>(header.bytes().data()), header.bytes().size()) + text;
}

void write_all(int fd, const std::string& text) {
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string read_all(int fd, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t got = 0; got < size;) {
    const ssize_t count = ::read(fd, text.data() + got, size - got);
    REQUIRE(count > 0);
    got += static_cast<std::size_t>(count);
  }
  return text;
}

bool rings(const Lane& bell, int timeout_ms = 10'000) {
  pollfd look{bell.fd(), POLLIN, 0};
  return ::poll(&look, 1, timeout_ms) == 1;
}

// What has arrived of a message when `stream` has; left with the courier.
std::shared_ptr<Errand> leave_half(const Ends& ends, const std::string& stream, Giver giver = {}) {
  write_all(ends.writing.get(), stream);
  IncomingMessage message(ends.reading.get());
  static char room[64];
  REQUIRE(message.advance(-1, [](std::uint64_t) { return room; }) == Progress::kWait);
  auto errand = std::make_shared<Errand>(message, nullptr, giver);
  Courier::get().receive(errand);
  return errand;
}

Parcel parcel_of(const std::string& text, Giver giver = {}) {
  Parcel parcel;
  parcel.bytes.resize(text.size());
  std::memcpy(parcel.bytes.data(), text.data(), text.size());
  parcel.giver = giver;
  return parcel;
}

struct Lock {
  std::shared_ptr<SharedArena> arena = std::move(SharedArena::create().value());
  SharedSemaphore semaphore{arena, arena->allocate(0).value()};
};

bool becomes_free(SharedSemaphore& lock) {
  const Nanoseconds start = Clock::now();
  while (!lock.try_acquire()) {
    if (Clock::now() - start > std::chrono::seconds(10)) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

TEST_CASE("a message that was left half read arrives, and is for one taker") {
  for (const std::size_t cut : {1u, 3u, 4u, 9u}) {
    const Ends ends = make_pipe();
    const std::string stream = framed("0123456789");
    const auto errand = leave_half(ends, stream.substr(0, cut));
    Courier& courier = Courier::get();
    CHECK(Courier::busy());
    CHECK(courier.find(ends.reading.get(), Courier::Direction::kIn) == errand);
    CHECK(courier.find(ends.reading.get(), Courier::Direction::kOut) == nullptr);
    CHECK_FALSE(courier.has_ended(*errand));
    write_all(ends.writing.get(), stream.substr(cut) + framed("another"));
    REQUIRE(rings(*errand->bell));
    CHECK(courier.has_ended(*errand));
    CHECK_FALSE(errand->failed);
    CHECK(errand->message->size() == 10);
    if (cut < 4) CHECK(std::string(errand->room.get(), 10) == "0123456789");
    CHECK(courier.take(errand));
    CHECK_FALSE(courier.take(errand));
    CHECK_FALSE(Courier::busy());
    CHECK(read_all(ends.reading.get(), 11) == framed("another"));
  }
}

TEST_CASE("the end of the stream, and closing, end an errand without its message") {
  Courier& courier = Courier::get();
  Ends ends = make_pipe();
  auto errand = leave_half(ends, framed("0123456789").substr(0, 6));
  ends.writing.reset();
  REQUIRE(rings(*errand->bell));
  CHECK(courier.find(ends.reading.get(), Courier::Direction::kIn) == nullptr);
  CHECK(errand->failed);

  ends = make_pipe();
  errand = leave_half(ends, framed("0123456789").substr(0, 6));
  courier.forget(ends.reading.get());
  REQUIRE(rings(*errand->bell));
  CHECK(errand->closed);
  CHECK_FALSE(Courier::busy());
}

TEST_CASE("parcels are sent in order, and then the descriptor may be closed") {
  Courier& courier = Courier::get();
  Ends ends = make_pipe();
  const std::string first(300'000, 'a'), second(200'000, 'b');
  courier.send(ends.writing.get(), parcel_of(first));
  const auto errand = courier.find(ends.writing.get(), Courier::Direction::kOut);
  REQUIRE(errand != nullptr);
  courier.send(ends.writing.get(), parcel_of(second));
  CHECK(courier.find(ends.writing.get(), Courier::Direction::kOut) == errand);
  CHECK(courier.unfinished().empty());  // nobody was interrupted: an exit need not wait for it
  REQUIRE(courier.close_when_sent(ends.writing.get()));
  static_cast<void>(ends.writing.release());
  CHECK(read_all(ends.reading.get(), 500'000) == first + second);
  REQUIRE(rings(*errand->bell));
  char end;
  CHECK(::read(ends.reading.get(), &end, 1) == 0);
  CHECK(courier.has_ended(*errand));  // and off the list: the courier does both before it lets go of its lock
  CHECK_FALSE(Courier::busy());
}

TEST_CASE("a lock taken before its owner left is given back when the message has ended, another at once") {
  Courier& courier = Courier::get();
  const Ends ends = make_pipe();
  Lock before, after, others;
  const int greenlet = 0, another = 0;
  const std::string stream = framed("0123456789");
  const auto errand = leave_half(ends, stream.substr(0, 6), {&greenlet, 7});
  int keeper = 0;
  CHECK(courier.defer_release(before.semaphore, 1, &keeper, &greenlet, 7));
  CHECK_FALSE(courier.defer_release(after.semaphore, 1, &keeper, &greenlet, 8));
  CHECK_FALSE(courier.defer_release(others.semaphore, 1, &keeper, &another, 5));
  CHECK(courier.take_spent().size() == 2);
  CHECK_FALSE(before.semaphore.try_acquire());
  CHECK_FALSE(after.semaphore.try_acquire());  // giving it back is the caller's
  write_all(ends.writing.get(), stream.substr(6));
  REQUIRE(rings(*errand->bell));
  CHECK(before.semaphore.try_acquire());
  CHECK(courier.take_spent().size() == 1);
  CHECK(courier.take(errand));
}

TEST_CASE("a lock that two messages keep is given back after the second") {
  Courier& courier = Courier::get();
  const Ends one = make_pipe(), two = make_pipe();
  Lock lock;
  const int greenlet = 0;
  int keeper = 0;
  const std::string large(200'000, 'x');
  courier.send(one.writing.get(), parcel_of(large, {&greenlet, 3}));
  courier.send(two.writing.get(), parcel_of(large, {&greenlet, 3}));
  REQUIRE(courier.defer_release(lock.semaphore, 1, &keeper, &greenlet, 2));
  CHECK(read_all(one.reading.get(), large.size()) == large);
  CHECK_FALSE(lock.semaphore.try_acquire());
  CHECK(read_all(two.reading.get(), large.size()) == large);
  CHECK(becomes_free(lock.semaphore));
  static_cast<void>(courier.take_spent());
}

TEST_CASE("a parcel waits for its lock, and gives it back") {
  Courier& courier = Courier::get();
  const Ends ends = make_pipe();
  Lock lock;
  int keeper = 0;
  Parcel parcel = parcel_of("text");
  parcel.lock = courier.lock_for_parcel(lock.semaphore, 1, &keeper, false);
  courier.send(ends.writing.get(), std::move(parcel));
  pollfd look{ends.reading.get(), POLLIN, 0};
  CHECK(::poll(&look, 1, 20) == 0);
  REQUIRE(lock.semaphore.release(1));
  CHECK(read_all(ends.reading.get(), 4) == "text");
  CHECK(becomes_free(lock.semaphore));
  static_cast<void>(courier.take_spent());
}

TEST_CASE("a number that belongs to another file by now is left alone") {
  Courier& courier = Courier::get();
  Ends ends = make_pipe();
  const Ends others = make_pipe();
  courier.send(ends.writing.get(), parcel_of(std::string(100'000, 'x')));
  pollfd begun{ends.reading.get(), POLLIN, 0};
  REQUIRE(::poll(&begun, 1, 10'000) == 1);
  const auto errand = courier.find(ends.writing.get(), Courier::Direction::kOut);  // not amid a write
  REQUIRE(::dup2(others.writing.get(), ends.writing.get()) >= 0);
  char rest[65536];
  while (::read(ends.reading.get(), rest, sizeof rest) > 0) {
  }
  courier.step();
  REQUIRE(rings(*errand->bell));
  CHECK(errand->closed);
  pollfd look{others.reading.get(), POLLIN, 0};
  CHECK(::poll(&look, 1, 0) == 0);
}

}  // namespace
}  // namespace gevent
