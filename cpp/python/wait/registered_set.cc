#include "python/wait/registered_set.h"

#include <Python.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <memory>

#include "python/object/os_error.h"
#include "python/wait/descriptor_set.h"

#ifdef __linux__
#include <sys/epoll.h>
#endif

namespace gevent {
namespace {

constexpr short kTroubles = POLLERR | POLLHUP | POLLNVAL;

}  // namespace

void RegisteredSet::close() noexcept {
  open_ = false;
  kernel_set_.reset();
  registered_.clear();
  always_.clear();
}

int RegisteredSet::look() noexcept {
  reports_.clear();
  if (!open_) {
    PyErr_SetString(PyExc_ValueError, "the selector is closed");
    return -1;
  }
  if (ask_kernel() < 0) return -1;
  for (const auto& [fd, events] : always_) reports_.push_back({fd, events});
  return static_cast<int>(reports_.size());
}

#ifdef __linux__

namespace {

// The kernel hands out what is ready in turns, so whoever is left out comes first at the next look.
constexpr std::size_t kReportsMax = 512;

}  // namespace

int RegisteredSet::open() noexcept {
  kernel_set_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
  open_ = kernel_set_.valid();
  return open_ ? 0 : set_os_error();
}

int RegisteredSet::add(int fd, short events) noexcept {
  epoll_event wanted{};
  wanted.events = static_cast<unsigned short>(events);  // the same bits as those of poll(2)
  wanted.data.fd = fd;
  if (::epoll_ctl(kernel_set_.get(), EPOLL_CTL_ADD, fd, &wanted) == 0) {
    registered_[fd] = events;
    return 0;
  }
  if (errno != EPERM) return set_os_error();
  always_[fd] = events;
  return 0;
}

void RegisteredSet::remove(int fd) noexcept {
  registered_.erase(fd);
  if (always_.erase(fd) != 0) return;
  epoll_event unused{};
  ::epoll_ctl(kernel_set_.get(), EPOLL_CTL_DEL, fd, &unused);
}

int RegisteredSet::ask_kernel() noexcept {
  std::array<epoll_event, kReportsMax> events;
  const int count = ::epoll_wait(kernel_set_.get(), events.data(), static_cast<int>(events.size()), 0);
  if (count < 0) return set_os_error();
  for (std::size_t i = 0; i != static_cast<std::size_t>(count); ++i) {
    reports_.push_back({events[i].data.fd, static_cast<short>(events[i].events)});
  }
  return 0;
}

int RegisteredSet::wait(double timeout_s) noexcept {
  // On the heap: while this greenlet waits its C stack is elsewhere.
  const auto waiting = std::make_unique<DescriptorSet>();
  waiting->add(kernel_set_.get(), POLLIN, POLLIN | kTroubles);
  waiting->end_with(registered_);
  if (waiting->wait(timeout_s) < 0 || look() < 0) return -1;
  // The kernel says nothing of those that another greenlet has closed.
  for (const int fd : waiting->closed()) reports_.push_back({fd, POLLNVAL});
  return static_cast<int>(reports_.size());
}

#else

int RegisteredSet::open() noexcept {
  open_ = true;
  return 0;
}

int RegisteredSet::add(int fd, short events) noexcept {
  registered_[fd] = events;
  return 0;
}

void RegisteredSet::remove(int fd) noexcept { registered_.erase(fd); }

namespace {

std::unique_ptr<DescriptorSet> all_of(const std::unordered_map<int, short>& registered) {
  auto all = std::make_unique<DescriptorSet>();
  for (const auto& [fd, events] : registered) all->add(fd, events, static_cast<short>(events | kTroubles));
  return all;
}

void report(const DescriptorSet& all, std::vector<RegisteredSet::Report>& reports) {
  for (std::size_t i = 0; i != all.size(); ++i) {
    if (all.ready(i)) reports.push_back({all.fd(i), all.revents(i)});
  }
}

}  // namespace

int RegisteredSet::ask_kernel() noexcept {
  const auto all = all_of(registered_);
  if (all->poll_now() < 0) return -1;
  report(*all, reports_);
  return 0;
}

int RegisteredSet::wait(double timeout_s) noexcept {
  const auto all = all_of(registered_);
  if (all->wait(timeout_s) < 0) return -1;
  reports_.clear();
  report(*all, reports_);
  return static_cast<int>(reports_.size());
}

#endif

}  // namespace gevent
