#include "loop/kernel_queue.h"

#ifdef GEVENT_HAVE_KQUEUE
#include <fcntl.h>
#include <sys/types.h>
// After sys/types.h, which BSD's header needs.
#include <sys/event.h>

#include <cerrno>
#include <ctime>

#include "base/fork_generation.h"

namespace gevent {

Result<KernelQueue> KernelQueue::create() noexcept {
  OwnedFd fd(::kqueue());
  if (!fd) return Error::from_errno("kqueue");
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return KernelQueue(std::move(fd));
}

KernelQueue::KernelQueue(OwnedFd fd) noexcept : fd_(std::move(fd)), fork_generation_(fork_generation()) {}

KernelQueue& KernelQueue::operator=(KernelQueue&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::move(other.fd_);
  fork_generation_ = other.fork_generation_;
  return *this;
}

void KernelQueue::close() noexcept {
  if (fork_generation_ == fork_generation()) {
    fd_.reset();
  } else {
    static_cast<void>(fd_.release());
  }
}

void KernelQueue::take_over(KernelQueue other) noexcept {
  fd_.take_over(std::move(other.fd_));
  fork_generation_ = other.fork_generation_;
}

Result<void> KernelQueue::change(std::uintptr_t identity, std::int16_t filter, std::uint16_t flags,
                                 std::uint32_t what) const noexcept {
  struct kevent change;
  EV_SET(&change, identity, filter, flags, what, 0, nullptr);
  int result;
  do {
    result = ::kevent(fd_.get(), &change, 1, nullptr, 0, nullptr);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return Error::from_errno("kevent");
  return {};
}

bool KernelQueue::take() const noexcept {
  struct kevent event;
  const timespec at_once{};
  int count;
  do {
    count = ::kevent(fd_.get(), nullptr, 0, &event, 1, &at_once);
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

}  // namespace gevent
#endif
