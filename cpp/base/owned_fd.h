// A file descriptor that is closed by whoever has it last.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace gevent {

// Moves, never copies. -1: none. Closing keeps errno, so that an error path may still report it.
class OwnedFd {
 public:
  OwnedFd() noexcept = default;
  explicit OwnedFd(int fd) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  explicit operator bool() const noexcept { return valid(); }

  // Gives it away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // From now on this number is what `other` was, closed on exec; what it was before is closed, if it was open at all.
  // Requires: both valid.
  void take_over(OwnedFd other) noexcept {
    if (other.fd_ == fd_) {
      static_cast<void>(other.release());
      return;
    }
#ifdef __linux__
    ::dup3(other.fd_, fd_, O_CLOEXEC);
#else
    ::dup2(other.fd_, fd_);
    ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
#endif
  }

  void reset(int fd = -1) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old < 0) return;
    const int saved_errno = errno;
    // No retry on EINTR: Linux has closed it already, and the number may be somebody else's by now.
    ::close(old);
    errno = saved_errno;
  }

 private:
  int fd_ = -1;
};

}  // namespace gevent
