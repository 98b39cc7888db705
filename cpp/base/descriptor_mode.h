// What stands behind a descriptor, and whether calls on it may block.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>

namespace gevent {

// As far as reading and writing care: disks never make anybody wait for long, a character device may be a terminal.
enum DescriptorKind : int { kUnknown = -1, kOther, kTerminalPerhaps, kDisk };

// kUnknown: errno says why.
[[nodiscard]] inline int kind_of_descriptor(int fd) noexcept {
  struct stat facts;
  if (::fstat(fd, &facts) < 0) return kUnknown;
  if (S_ISREG(facts.st_mode) || S_ISBLK(facts.st_mode)) return kDisk;
  return S_ISCHR(facts.st_mode) ? kTerminalPerhaps : kOther;
}

// The mode belongs to the open file, which others may share, and change.
[[nodiscard]] inline bool blocks(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

// Sets O_NONBLOCK unless it is set. -1: errno says why.
inline int make_nonblocking(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0) return flags;
  return ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

}  // namespace gevent
