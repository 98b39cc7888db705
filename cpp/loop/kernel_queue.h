// A kqueue, where the system has it.
#pragma once
#include "base/kernel.h"

#ifdef GEVENT_HAVE_KQUEUE
#include <cstdint>
#include <utility>

#include "base/owned_fd.h"
#include "base/result.h"

namespace gevent {

// Its descriptor is readable while an event waits in it, so it can be watched by any loop. A child of fork() does not
// inherit it: there the number is nobody's, or somebody else's, and is not closed.
class KernelQueue {
 public:
  static Result<KernelQueue> create() noexcept;
  KernelQueue(KernelQueue&& other) noexcept : fd_(std::move(other.fd_)), fork_generation_(other.fork_generation_) {}
  KernelQueue& operator=(KernelQueue&& other) noexcept;
  KernelQueue(const KernelQueue&) = delete;
  KernelQueue& operator=(const KernelQueue&) = delete;
  ~KernelQueue() { close(); }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // This number becomes what `other` was: see OwnedFd::take_over().
  void take_over(KernelQueue other) noexcept;

  // Changes one filter, as kevent() does with no room for events. Who calls it includes sys/event.h, which cannot be
  // done here: libev gives other meanings to the same names.
  Result<void> change(std::uintptr_t identity, std::int16_t filter, std::uint16_t flags,
                      std::uint32_t what) const noexcept;
  // Takes one event, without waiting. False: there is none.
  bool take() const noexcept;

 private:
  explicit KernelQueue(OwnedFd fd) noexcept;
  void close() noexcept;

  OwnedFd fd_;
  std::uint64_t fork_generation_;
};

}  // namespace gevent
#endif
