#include "loop/wakeup.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <utility>

#ifdef GEVENT_HAVE_EVENTFD
#include <sys/eventfd.h>
#endif
#ifdef GEVENT_HAVE_KQUEUE
#include <sys/event.h>
#endif

namespace gevent {

namespace {

using Kind = Wakeup::Kind;

// The best first.
constexpr std::array<std::pair<std::string_view, Kind>, 3> kKinds = {
    {{"eventfd", Kind::kEventfd}, {"kqueue", Kind::kKqueue}, {"pipe", Kind::kPipe}}};

Result<OwnedFd> open_eventfd() noexcept {
#ifdef GEVENT_HAVE_EVENTFD
  OwnedFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return Error::from_errno("eventfd");
  return fd;
#else
  return Error(ENOSYS, "eventfd");
#endif
}

// Of a kernel without it, or of a sandbox that allows no call that it does not know.
bool is_refusal(const Error& error) noexcept { return error.code() == ENOSYS || error.code() == EPERM; }

#ifdef GEVENT_HAVE_KQUEUE
constexpr std::uintptr_t kUserEvent = 1;

Result<KernelQueue> open_user_event() noexcept {
  Result<KernelQueue> queue = KernelQueue::create();
  if (!queue) return queue.error();
  const Result<void> added = queue.value().change(kUserEvent, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_FFNOP);
  if (!added) return added.error();
  return queue;
}
#endif

Result<std::pair<OwnedFd, OwnedFd>> open_pipe() noexcept {
  int ends[2];
  if (::pipe(ends) != 0) return Error::from_errno("pipe");
  std::pair<OwnedFd, OwnedFd> pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
  for (const int fd : ends) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
      return Error::from_errno("fcntl");
  }
  return pipe;
}

}  // namespace

bool Wakeup::available(Kind kind) noexcept {
  switch (kind) {
#ifdef GEVENT_HAVE_EVENTFD
    case Kind::kEventfd:
#endif
#ifdef GEVENT_HAVE_KQUEUE
    case Kind::kKqueue:
#endif
    case Kind::kPipe:
      return true;
    default:
      return false;
  }
}

Result<Wakeup::Kind> Wakeup::preferred() noexcept {
  const char* const chosen = std::getenv("GEVENT_WAKEUP");
  const bool any = chosen == nullptr || *chosen == '\0';
#ifdef GEVENT_KQUEUE
  // libkqueue's kqueue is the end of a pipe: poll() finds it ready for one ring, and is blind to others. For tests
  // only.
  if (any) return Kind::kPipe;
#endif
  for (const auto& [name, kind] : kKinds) {
    if (available(kind) && (any || name == chosen)) return kind;
  }
  return Error(EINVAL, "GEVENT_WAKEUP");
}

Result<void> Wakeup::open(Kind kind) noexcept {
  if (kind == Kind::kKqueue) {
#ifdef GEVENT_HAVE_KQUEUE
    Result<KernelQueue> queue = open_user_event();
    if (!queue) return queue.error();
    close();
    queue_.emplace(std::move(queue).value());
#else
    return Error(ENOSYS, "kqueue");
#endif
  } else if (kind == Kind::kEventfd) {
    Result<OwnedFd> fd = open_eventfd();
    if (!fd) return is_refusal(fd.error()) ? open(Kind::kPipe) : fd.error();
    close();
    listen_ = std::move(fd).value();
  } else {
    Result<std::pair<OwnedFd, OwnedFd>> pipe = open_pipe();
    if (!pipe) return pipe.error();
    close();
    std::tie(listen_, write_end_) = std::move(pipe).value();
  }
  kind_ = kind;
  rung_.store(false);
  return {};
}

Result<void> Wakeup::reset() noexcept {
  Wakeup fresh;
  const Result<void> opened = fresh.open(kind_);
  if (!opened) return opened;
#ifdef GEVENT_HAVE_KQUEUE
  if (queue_.has_value()) {
    queue_->take_over(std::move(*fresh.queue_));
  } else
#endif
  {
    if (write_end_.valid() && fresh.write_end_.get() == listen_.get()) {
      // All descriptors were closed meanwhile, and this number is for the other end.
      const int elsewhere = ::fcntl(fresh.write_end_.get(), F_DUPFD_CLOEXEC, 0);
      if (elsewhere < 0) return Error::from_errno("fcntl");
      fresh.write_end_.reset(elsewhere);
    }
    listen_.take_over(std::move(fresh.listen_));
    if (write_end_.valid()) write_end_.take_over(std::move(fresh.write_end_));
  }
  if (rung_.exchange(false)) ring();
  return {};
}

void Wakeup::close() noexcept {
  listen_.reset();
  write_end_.reset();
#ifdef GEVENT_HAVE_KQUEUE
  queue_.reset();
#endif
}

const char* Wakeup::name() const noexcept {
  for (const auto& [name, kind] : kKinds) {
    if (kind == kind_) return name.data();
  }
  return nullptr;
}

int Wakeup::fd() const noexcept {
#ifdef GEVENT_HAVE_KQUEUE
  if (queue_.has_value()) return queue_->fd();
#endif
  return listen_.get();
}

void Wakeup::ring() noexcept {
  if (rung_.exchange(true)) return;
  const int saved_errno = errno;
  trigger();
  errno = saved_errno;
}

// A full pipe or counter is readable already, which is all that is wanted.
void Wakeup::trigger() const noexcept {
#ifdef GEVENT_HAVE_KQUEUE
  if (queue_.has_value()) {
    static_cast<void>(queue_->change(kUserEvent, EVFILT_USER, 0, NOTE_TRIGGER).ok());
    return;
  }
#endif
  // An eventfd wants eight bytes, and a pipe does not mind.
  const std::uint64_t one = 1;
  const int fd = write_end_.valid() ? write_end_.get() : listen_.get();
  while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Wakeup::hear() noexcept {
  take();
  rung_.exchange(false);
}

void Wakeup::take() const noexcept {
#ifdef GEVENT_HAVE_KQUEUE
  if (queue_.has_value()) {
    static_cast<void>(queue_->take());
    return;
  }
#endif
  // Once is enough: there is one ring in it, or a second from a thread that was slow, and then it is readable again.
  std::uint64_t rings;
  while (::read(listen_.get(), &rings, sizeof rings) < 0 && errno == EINTR) {
  }
}

}  // namespace gevent
