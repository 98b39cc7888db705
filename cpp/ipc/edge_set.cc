#include "ipc/edge_set.h"

#include <algorithm>
#include <array>

#if defined(__linux__)
#include <sys/epoll.h>
#else
#include <fcntl.h>
#include <sys/event.h>
#endif

namespace gevent {
namespace {
constexpr std::size_t kAtOnce = 16;
}

#if defined(__linux__)

Result<EdgeSet> EdgeSet::create() noexcept {
  OwnedFd queue(::epoll_create1(EPOLL_CLOEXEC));
  if (!queue) return Error::from_errno("epoll_create1");
  return EdgeSet(std::move(queue));
}

Result<void> EdgeSet::add(int fd, std::uint64_t tag) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = tag;
  if (::epoll_ctl(queue_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return Error::from_errno("epoll_ctl");
  return {};
}

void EdgeSet::remove(int fd) noexcept {
  epoll_event unused{};
  ::epoll_ctl(queue_.get(), EPOLL_CTL_DEL, fd, &unused);
}

std::size_t EdgeSet::collect(std::span<std::uint64_t> tags) noexcept {
  std::array<epoll_event, kAtOnce> events;
  const auto room = static_cast<int>(std::min(events.size(), tags.size()));
  const int count = ::epoll_wait(queue_.get(), events.data(), room, 0);
  for (int i = 0; i < count; ++i) tags[static_cast<std::size_t>(i)] = events[static_cast<std::size_t>(i)].data.u64;
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

Result<void> EdgeSet::reset() noexcept {
  Result<EdgeSet> fresh = create();
  if (!fresh) return fresh.error();
  // Closing our copy leaves the parent's queue as it is; deleting from it would not.
  queue_ = std::move(fresh.value().queue_);
  return {};
}

#else

Result<EdgeSet> EdgeSet::create() noexcept {
  OwnedFd queue(::kqueue());
  if (!queue) return Error::from_errno("kqueue");
  ::fcntl(queue.get(), F_SETFD, FD_CLOEXEC);
  return EdgeSet(std::move(queue));
}

Result<void> EdgeSet::add(int fd, std::uint64_t tag) noexcept {
  struct kevent change;
  EV_SET(&change, fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, reinterpret_cast<void*>(static_cast<std::uintptr_t>(tag)));
  if (::kevent(queue_.get(), &change, 1, nullptr, 0, nullptr) != 0) return Error::from_errno("kevent");
  return {};
}

void EdgeSet::remove(int fd) noexcept {
  struct kevent change;
  EV_SET(&change, fd, EVFILT_READ, EV_DELETE, 0, 0, nullptr);
  ::kevent(queue_.get(), &change, 1, nullptr, 0, nullptr);
}

std::size_t EdgeSet::collect(std::span<std::uint64_t> tags) noexcept {
  std::array<struct kevent, kAtOnce> events;
  const auto room = static_cast<int>(std::min(events.size(), tags.size()));
  const timespec at_once{};
  const int count = ::kevent(queue_.get(), nullptr, 0, events.data(), room, &at_once);
  for (int i = 0; i < count; ++i) {
    const void* tag = events[static_cast<std::size_t>(i)].udata;
    tags[static_cast<std::size_t>(i)] = reinterpret_cast<std::uintptr_t>(tag);
  }
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

Result<void> EdgeSet::reset() noexcept {
  Result<EdgeSet> fresh = create();
  if (!fresh) return fresh.error();
  static_cast<void>(queue_.release());  // a kqueue is not inherited: the number is nobody's, or somebody else's
  queue_ = std::move(fresh.value().queue_);
  return {};
}

#endif

}  // namespace gevent
