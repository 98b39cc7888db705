#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/owned_fd.h"
#include "ipc/children.h"
#include "ipc/courier.h"

namespace gevent {
namespace {

std::string read_all(int fd, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t got = 0; got < size;) {
    const ssize_t count = ::read(fd, text.data() + got, size - got);
    REQUIRE(count > 0);
    got += static_cast<std::size_t>(count);
  }
  return text;
}

Parcel large_parcel(const void* greenlet) {
  Parcel parcel;
  parcel.bytes.resize(200'000, std::byte{'x'});
  parcel.giver = {greenlet, 3};
  return parcel;
}

TEST_CASE("a forked child has none of its parent's errands, and may have its own") {
  Courier& courier = Courier::get();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const OwnedFd reading(ends[0]), writing(ends[1]);
  const std::shared_ptr<SharedArena> arena = std::move(SharedArena::create().value());
  SharedSemaphore lock(arena, arena->allocate(0).value());
  const int greenlet = 0;
  int keeper = 0;
  const std::string large(200'000, 'x');
  courier.send(writing.get(), large_parcel(&greenlet));
  REQUIRE(courier.defer_release(lock, 1, &keeper, &greenlet, 2));
  // The courier's thread is past its start: the address sanitizer's allocator does not survive a fork amid that.
  pollfd begun{reading.get(), POLLIN, 0};
  REQUIRE(::poll(&begun, 1, -1) == 1);
  Children children;
  children.start([&] {
    if (Courier::busy() || courier.working() || lock.try_acquire()) return 1;
    int fds[2];
    if (::pipe(fds) != 0) return 2;
    courier.send(fds[1], large_parcel(nullptr));
    return read_all(fds[0], large.size()) == large ? 0 : 3;
  });
  CHECK(children.join() == 0);
  CHECK_FALSE(lock.try_acquire());
  CHECK(read_all(reading.get(), large.size()) == large);
  while (courier.working()) ::usleep(1000);
  CHECK(lock.try_acquire());
  CHECK(courier.take_spent().size() == 1);
}

}  // namespace
}  // namespace gevent
