#include "ipc/lane.h"

#include <fcntl.h>

#include <cstdint>

#include "base/kernel.h"

#ifdef GEVENT_HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

namespace gevent {

Result<Lane> Lane::create() noexcept {
#ifdef GEVENT_HAVE_EVENTFD
  OwnedFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return Error::from_errno("eventfd");
  return Lane(std::move(fd));
#else
  return create_pipe();
#endif
}

Result<Lane> Lane::create_pipe() noexcept {
  int ends[2];
  if (::pipe(ends) != 0) return Error::from_errno("pipe");
  OwnedFd read_end(ends[0]), write_end(ends[1]);
  for (const int fd : ends) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
      return Error::from_errno("fcntl");
  }
  return Lane(std::move(read_end), std::move(write_end));
}

void Lane::ring() const noexcept {
  const int saved_errno = errno;
  if (!ring_.valid()) {
    // The counter only says that somebody rang. It is never read, and holds 2^64 - 2 rings.
    const std::uint64_t one = 1;
    while (::write(listen_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
  } else {
    // A full pipe takes no byte, and no byte is no ring: make room, since nobody wants the old ones.
    const char one = 1;
    while (::write(ring_.get(), &one, 1) < 0) {
      if (errno == EAGAIN) {
        char old[4096];
        if (::read(listen_.get(), old, sizeof old) < 0 && errno != EAGAIN && errno != EINTR) break;
      } else if (errno != EINTR) {
        break;
      }
    }
  }
  errno = saved_errno;
}

void Lane::append_descriptors(std::vector<int>& to) const {
  to.push_back(listen_.get());
  if (ring_.valid()) to.push_back(ring_.get());
}

}  // namespace gevent
