#include "ipc/transfer.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

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

// Which descriptors have turned out to be no sockets: those are asked with a flag, which is cheaper than all else. By
// number, several of which may share a place: who is in it wrongly is a little dearer, and no more than that.
class KnownPipes {
 public:
  [[nodiscard]] bool has(int fd) const noexcept { return places_[place_of(fd)].load(std::memory_order_relaxed); }
  void add(int fd) noexcept { places_[place_of(fd)].store(true, std::memory_order_relaxed); }
  void remove(int fd) noexcept { places_[place_of(fd)].store(false, std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kPlaces = 512;
  static std::size_t place_of(int fd) noexcept { return static_cast<unsigned>(fd) % kPlaces; }
  std::array<std::atomic<bool>, kPlaces> places_{};
};

KnownPipes known_pipes;

// Whether `call`, one for sockets, was one for `fd`. Then `outcome` is what came of it.
template <typename Call>
bool as_socket(int fd, ssize_t& outcome, Call call) noexcept {
  if (known_pipes.has(fd)) return false;
  outcome = call();
  if (outcome >= 0 || errno != ENOTSOCK) return true;
  known_pipes.add(fd);
  return false;
}

#ifdef GEVENT_USE_NOWAIT_CALLS
// RWF_NOWAIT is not for this file, or not for this kernel; or a sandbox allows no call that it does not know.
bool nowait_unknown() noexcept { return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL || errno == EPERM; }
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

// To a socket. A header and a little more go in one piece: copying that is cheaper than telling the kernel of two.
ssize_t send_pieces(int fd, const iovec* pieces, int count, int flags) noexcept {
  constexpr std::size_t kLittle = 512;
  std::byte together[kLittle];
  std::size_t size = 0;
  int copied = 0;
  while (copied < count && pieces[copied].iov_len <= kLittle - size) {
    std::memcpy(together + size, pieces[copied].iov_base, pieces[copied].iov_len);
    size += pieces[copied++].iov_len;
  }
  if (copied == count) return without_interruption([&] { return ::send(fd, together, size, flags); });
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  return without_interruption([&] { return ::sendmsg(fd, &message, flags); });
}

ssize_t write_portably(int fd, const iovec* pieces, int count) noexcept {
  const ssize_t outcome = send_pieces(fd, pieces, count, kSendFlags);
  if (outcome >= 0 || errno != ENOTSOCK) return outcome;
  if (!ready_now(fd, POLLOUT)) return would_wait();
  std::array<iovec, 2> bounded;
  const int used = first_bytes(pieces, count, bounded);
  return without_interruption([&] { return ::writev(fd, bounded.data(), used); });
}

}  // namespace

ssize_t read_waiting(int fd, void* data, std::size_t size) noexcept {
  ssize_t outcome;
  if (as_socket(fd, outcome, [&] { return ::recv(fd, data, size, 0); })) return outcome;
  return ::read(fd, data, size);
}

void forget_kind_of(int fd) noexcept { known_pipes.remove(fd); }

void allow_nowait_calls(bool allowed) noexcept { nowait_allowed = allowed; }

ssize_t read_now(int fd, void* data, std::size_t size) noexcept {
#ifdef GEVENT_USE_NOWAIT_CALLS
  if (nowait_allowed) {
    ssize_t outcome;
    const auto receive = [&] { return without_interruption([&] { return ::recv(fd, data, size, MSG_DONTWAIT); }); };
    if (as_socket(fd, outcome, receive)) return outcome;
    const iovec piece{data, size};
    outcome = without_interruption([&] { return ::preadv2(fd, &piece, 1, -1, RWF_NOWAIT); });
    if (outcome >= 0 || !nowait_unknown()) return outcome;
  }
#endif
  return read_portably(fd, data, size);
}

ssize_t write_now(int fd, const iovec* pieces, int count) noexcept {
#ifdef GEVENT_USE_NOWAIT_CALLS
  if (nowait_allowed) {
    ssize_t outcome;
    if (as_socket(fd, outcome, [&] { return send_pieces(fd, pieces, count, MSG_DONTWAIT); })) return outcome;
    outcome = without_interruption([&] { return ::pwritev2(fd, pieces, count, -1, RWF_NOWAIT); });
    if (outcome >= 0 || !nowait_unknown()) return outcome;
  }
#endif
  return write_portably(fd, pieces, count);
}

}  // namespace gevent
