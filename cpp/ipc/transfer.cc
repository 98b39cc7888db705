#include "ipc/transfer.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/kernel.h"

#if defined(GEVENT_HAVE_NOWAIT_CALLS) && defined(RWF_NOWAIT)
#define GEVENT_USE_NOWAIT_CALLS 1
#endif

namespace gevent {
namespace {

[[maybe_unused]] bool nowait_allowed = true;

template <typename Call>
ssize_t without_interruption(Call call) noexcept {
  ssize_t outcome;
  do {
    outcome = call();
  } while (outcome < 0 && errno == EINTR);
  return outcome;
}

#ifdef GEVENT_USE_NOWAIT_CALLS
// RWF_NOWAIT is not for this file, or not for this kernel.
bool nowait_unknown() noexcept { return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL; }
#endif

bool ready_now(int fd, short events) noexcept {
  pollfd look{fd, events, 0};
  return ::poll(&look, 1, 0) != 0;  // an error is for the call that follows to report
}

ssize_t would_wait() noexcept {
  errno = EAGAIN;
  return -1;
}

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
#else
constexpr int kSendFlags = MSG_DONTWAIT;
#endif

// As many of the pieces' bytes as a pipe takes at once when it takes any.
int first_bytes(const iovec* pieces, int count, std::array<iovec, 2>& into) noexcept {
  std::size_t room = PIPE_BUF;
  int used = 0;
  while (used < count && used < static_cast<int>(into.size()) && room > 0) {
    iovec& piece = into[static_cast<std::size_t>(used)];
    piece = pieces[used++];
    piece.iov_len = std::min(piece.iov_len, room);
    room -= piece.iov_len;
  }
  return used;
}

ssize_t read_portably(int fd, void* data, std::size_t size) noexcept {
  ssize_t outcome = without_interruption([&] { return ::recv(fd, data, size, MSG_DONTWAIT); });
  if (outcome >= 0 || errno != ENOTSOCK) return outcome;
  if (!ready_now(fd, POLLIN)) return would_wait();
  return without_interruption([&] { return ::read(fd, data, size); });
}

ssize_t write_portably(int fd, const iovec* pieces, int count) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  ssize_t outcome = without_interruption([&] { return ::sendmsg(fd, &message, kSendFlags); });
  if (outcome >= 0 || errno != ENOTSOCK) return outcome;
  if (!ready_now(fd, POLLOUT)) return would_wait();
  std::array<iovec, 2> bounded;
  const int used = first_bytes(pieces, count, bounded);
  return without_interruption([&] { return ::writev(fd, bounded.data(), used); });
}

}  // namespace

void allow_nowait_calls(bool allowed) noexcept { nowait_allowed = allowed; }

ssize_t read_now(int fd, void* data, std::size_t size) noexcept {
#ifdef GEVENT_USE_NOWAIT_CALLS
  if (nowait_allowed) {
    const iovec piece{data, size};
    const ssize_t outcome = without_interruption([&] { return ::preadv2(fd, &piece, 1, -1, RWF_NOWAIT); });
    if (outcome >= 0 || !nowait_unknown()) return outcome;
  }
#endif
  return read_portably(fd, data, size);
}

ssize_t write_now(int fd, const iovec* pieces, int count) noexcept {
#ifdef GEVENT_USE_NOWAIT_CALLS
  if (nowait_allowed) {
    const ssize_t outcome = without_interruption([&] { return ::pwritev2(fd, pieces, count, -1, RWF_NOWAIT); });
    if (outcome >= 0 || !nowait_unknown()) return outcome;
  }
#endif
  return write_portably(fd, pieces, count);
}

}  // namespace gevent
