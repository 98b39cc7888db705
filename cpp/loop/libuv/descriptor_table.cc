#include "loop/libuv/descriptor_table.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/owned_fd.h"

#ifdef __linux__
#include <sys/epoll.h>
#endif

namespace gevent {

namespace {

enum class FileKind { kClosed, kPollable, kUnpollable };

// What the kernel thinks of it as something to be polled.
FileKind look_at(int fd, [[maybe_unused]] int backend) noexcept {
  struct stat attributes;
  if (::fstat(fd, &attributes) != 0) return errno == EBADF ? FileKind::kClosed : FileKind::kPollable;
  if (S_ISSOCK(attributes.st_mode) || S_ISFIFO(attributes.st_mode)) return FileKind::kPollable;
  if (S_ISREG(attributes.st_mode) || S_ISDIR(attributes.st_mode)) return FileKind::kUnpollable;
#ifdef __linux__
  epoll_event nothing{};
  nothing.data.fd = fd;
  if (::epoll_ctl(backend, EPOLL_CTL_ADD, fd, &nothing) == 0) {
    ::epoll_ctl(backend, EPOLL_CTL_DEL, fd, &nothing);
  } else if (errno == EPERM) {
    return FileKind::kUnpollable;
  } else if (errno != EEXIST) {
    return FileKind::kClosed;
  }
#endif
  return FileKind::kPollable;
}

bool is_open(int fd) noexcept { return ::fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }

int to_libuv(int events) noexcept {
  return ((events & kRead) != 0 ? UV_READABLE : 0) | ((events & kWrite) != 0 ? UV_WRITABLE : 0);
}

int from_libuv(int events) noexcept {
  return ((events & UV_READABLE) != 0 ? kRead : 0) | ((events & UV_WRITABLE) != 0 ? kWrite : 0);
}

}  // namespace

// ---- watchers -------------------------------------------------------------------------------------------------------

void DescriptorTable::start(Io& io) noexcept {
  auto& its = state_of(io).io;
  Descriptor& descriptor = descriptor_of(io.fd());
  its.fd = io.fd();
  its.events = io.events();
  its.previous = nullptr;
  its.next = descriptor.first;
  if (its.next != nullptr) state_of(*its.next).io.previous = &io;
  descriptor.first = &io;
  if ((its.events & kRead) != 0) ++descriptor.readers;
  if ((its.events & kWrite) != 0) ++descriptor.writers;
  descriptor.fresh |= std::exchange(io.fresh, false);
  change(descriptor);
}

void DescriptorTable::stop(Io& io) noexcept {
  const auto& its = state_of(io).io;
  Descriptor& descriptor = *all_[static_cast<std::size_t>(its.fd)];
  if (its.next != nullptr) state_of(*its.next).io.previous = its.previous;
  (its.previous != nullptr ? state_of(*its.previous).io.next : descriptor.first) = its.next;
  if ((its.events & kRead) != 0) --descriptor.readers;
  if ((its.events & kWrite) != 0) --descriptor.writers;
  if (const int wanted = descriptor.wanted(); wanted != 0 && wanted != descriptor.registered) change(descriptor);
}

void DescriptorTable::forget(int fd) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  if (fd < 0 || index >= all_.size() || all_[index] == nullptr) return;
  if (all_[index]->wanted() == 0) give_up(*all_[index]);
}

DescriptorTable::Descriptor& DescriptorTable::descriptor_of(int fd) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= all_.size()) all_.resize(std::max<std::size_t>(index + 1, all_.size() * 2));
  std::unique_ptr<Descriptor>& descriptor = all_[index];
  if (descriptor == nullptr) {
    descriptor = std::make_unique<Descriptor>();
    descriptor->fd = fd;
  }
  return *descriptor;
}

void DescriptorTable::change(Descriptor& descriptor) noexcept {
  if (descriptor.changed) return;
  descriptor.changed = true;
  changed_.push_back(&descriptor);
}

// ---- libuv ----------------------------------------------------------------------------------------------------------

DescriptorTable::HandOver DescriptorTable::hand_over_one(Descriptor& descriptor) noexcept {
  const int wanted = descriptor.wanted();
  const bool superfluous = std::exchange(descriptor.superfluous, false);
  if (wanted == 0) {
    if (superfluous) give_up(descriptor);
    return HandOver::kNothing;
  }
  const bool fresh = std::exchange(descriptor.fresh, false);
  const int unwanted = descriptor.registered & ~wanted;
  // Nearly everything is writable nearly always, and would be reported at once.
  const bool disturbs = unwanted != 0 && (superfluous || (unwanted & kWrite) != 0);
  if (!fresh && !disturbs && (wanted & ~descriptor.registered) == 0) return HandOver::kNothing;
  return add(descriptor, wanted);
}

DescriptorTable::HandOver DescriptorTable::add(Descriptor& descriptor, int wanted) noexcept {
  const FileKind kind = look_at(descriptor.fd, uv_backend_fd(&loop_));
  if (kind == FileKind::kClosed) {
    give_up(descriptor);
    return HandOver::kRefused;
  }
  set_unpollable(descriptor, kind == FileKind::kUnpollable);
  if (descriptor.unpollable) {
    give_up(descriptor);
    descriptor.registered = kRead | kWrite;
    return HandOver::kNothing;
  }
  if (!make_handle(descriptor) || uv_poll_start(&descriptor.handle, to_libuv(wanted), &on_poll) != 0) {
    descriptor.registered = 0;
    return HandOver::kRefused;
  }
  descriptor.registered = wanted;
  return HandOver::kChanged;
}

bool DescriptorTable::make_handle(Descriptor& descriptor) noexcept {
  if (descriptor.made) return true;
  const OwnedFd ours(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (!ours.valid() || uv_poll_init(&loop_, &descriptor.handle, ours.get()) != 0) return false;
  descriptor.handle.io_watcher.fd = descriptor.fd;
  descriptor.handle.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&descriptor.handle));
  descriptor.made = true;
  return true;
}

void DescriptorTable::give_up(Descriptor& descriptor) noexcept {
  if (descriptor.made && descriptor.registered != 0) uv_poll_stop(&descriptor.handle);
  descriptor.registered = 0;
  if (descriptor.unpollable && descriptor.wanted() == 0) set_unpollable(descriptor, false);
}

void DescriptorTable::set_unpollable(Descriptor& descriptor, bool unpollable) noexcept {
  if (descriptor.unpollable == unpollable) return;
  descriptor.unpollable = unpollable;
  if (unpollable) {
    unpollable_.push_back(&descriptor);
  } else {
    std::erase(unpollable_, &descriptor);
  }
}

void DescriptorTable::on_poll(uv_poll_t* handle, int status, int events) noexcept {
  auto& self = *static_cast<DescriptorTable*>(handle->data);
  Descriptor& descriptor = *self.all_[static_cast<std::size_t>(handle->io_watcher.fd)];
  self.heard_ = true;
  if (status >= 0) return self.found(descriptor, from_libuv(events));
  // An error on the descriptor, such as a refused connection: libuv has stopped the handle. Everybody is to meet it.
  descriptor.registered = 0;
  self.found(descriptor, kRead | kWrite);
  self.change(descriptor);
}

void DescriptorTable::found(Descriptor& descriptor, int events) noexcept {
  const int wanted = descriptor.wanted();
  if ((events & wanted) != 0) ready_.push_back({&descriptor, events});
  if ((events & ~wanted) == 0) return;
  descriptor.superfluous = true;
  change(descriptor);
}

void DescriptorTable::look_at_unpollable() noexcept {
  for (Descriptor* descriptor : unpollable_) {
    if (const int wanted = descriptor->wanted(); wanted != 0) ready_.push_back({descriptor, wanted});
  }
}

// ---- forks and the end ----------------------------------------------------------------------------------------------

void DescriptorTable::before_fork_repair() noexcept {
  for (const auto& descriptor : all_) {
    // Stopping is a system call on the epoll set that is still the parent's; for a closed descriptor it does nothing.
    if (descriptor != nullptr && descriptor->registered != 0 && !is_open(descriptor->fd)) give_up(*descriptor);
  }
}

void DescriptorTable::after_fork_repair() noexcept {
  ready_.clear();
  for (const auto& descriptor : all_) {
    if (descriptor == nullptr) continue;
    give_up(*descriptor);
    if (descriptor->wanted() != 0) change(*descriptor);
  }
}

void DescriptorTable::close() noexcept {
  for (const auto& descriptor : all_) {
    if (descriptor != nullptr && descriptor->made)
      uv_close(reinterpret_cast<uv_handle_t*>(&descriptor->handle), nullptr);
  }
}

}  // namespace gevent
