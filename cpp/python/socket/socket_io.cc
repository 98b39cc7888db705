#include "python/socket/socket_io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/descriptor_mode.h"
#include "python/object/pair.h"
#include "python/wait/parking.h"

namespace gevent {
namespace {

// Where small messages arrive before their size is known. One for the process: it is used between two instructions that
// hold the GIL, and a local array of this size would be copied away with the stack of each greenlet that parks.
constexpr Py_ssize_t kScratchSize = 64 * 1024;
char scratch[kScratchSize];

Patience patience_for(const SocketCore& socket, int flags) noexcept {
  return Patience((flags & MSG_DONTWAIT) != 0 ? 0 : socket.timeout_s);
}

// Calls `receive()`, which returns -1 and errno or a size, until it does not fail for want of something to receive.
// Returns that size; -1 + exception.
template <typename Receive>
Py_ssize_t receive_some(SocketCore& socket, Py_ssize_t size_max, int flags, Receive receive) noexcept {
  Patience patience = patience_for(socket, flags);
  const bool waits_first = !patience.none() && socket.fd >= 0 && socket.habit.waits_first();
  if (waits_first && !socket.wait_before_receiving(patience)) return -1;
  if (waits_first && socket.fd < 0) return 0;  // see may_retry()
  ssize_t size = receive();
  if (!waits_first) socket.habit.tried(size >= 0);
  while (size < 0) {
    if (!socket.may_retry(kRead, patience, 0)) return -1;
    if (socket.fd < 0) return 0;
    size = receive();
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && socket.ended_unsaid()) return 0;
  }
  socket.habit.received(size, size_max);
  return size;
}

// The same for `receive(buffer, size)`, and what was received as bytes.
template <typename Receive>
PyObject* receive_bytes(SocketCore& socket, Py_ssize_t size_max, int flags, Receive receive) noexcept {
  PyObject* bytes = nullptr;
  const Py_ssize_t size = receive_some(socket, size_max, flags, [&]() noexcept -> ssize_t {
    if (size_max <= kScratchSize && !socket.habit.expects_much()) {
      const ssize_t got = receive(scratch, static_cast<std::size_t>(size_max));
      if (got >= 0) bytes = PyBytes_FromStringAndSize(scratch, got);
      return got;
    }
    // Straight into its place: copying would cost more than giving the rest of the block back.
    bytes = PyBytes_FromStringAndSize(nullptr, size_max);
    if (bytes == nullptr) return 0;
    const ssize_t got = receive(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(size_max));
    if (got >= 0) {
      if (got != size_max) _PyBytes_Resize(&bytes, got);
      return got;
    }
    const int error = errno;
    Py_CLEAR(bytes);  // not kept while parked: thousands may wait
    errno = error;
    socket.habit.received(0, size_max);
    return got;
  });
  if (size == 0 && bytes == nullptr && PyErr_Occurred() == nullptr) return PyBytes_FromStringAndSize(nullptr, 0);
  return size < 0 ? nullptr : bytes;
}

// Steals `first`; nullptr + exception if either is missing.
PyObject* pair_with_address(PyObject* first, const SocketAddress& address) noexcept {
  return first == nullptr ? nullptr : pair_of(first, address_to_python(address));
}

bool negative(Py_ssize_t size, const char* call) noexcept {
  if (size >= 0) [[likely]]
    return false;
  PyErr_Format(PyExc_ValueError, "negative buffersize in %s", call);
  return true;
}

// [(level, type, data), …] of a received message.
PyObject* ancillary_to_python(msghdr& message) noexcept {
  PyObject* list = PyList_New(0);
  if (list == nullptr || message.msg_controllen == 0) return list;
  const auto* const begin = static_cast<const unsigned char*>(message.msg_control);
  const auto* const end = begin + message.msg_controllen;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    const auto* const data = CMSG_DATA(header);
    // What was cut off is not there, whatever the header says.
    Py_ssize_t size =
        static_cast<Py_ssize_t>(header->cmsg_len) - (data - reinterpret_cast<const unsigned char*>(header));
    if (size > end - data) size = end - data;
    if (size < 0) break;
    PyObject* item = Py_BuildValue("(iiN)", header->cmsg_level, header->cmsg_type,
                                   PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data), size));
    if (item == nullptr || PyList_Append(list, item) < 0) {
      Py_XDECREF(item);
      Py_DECREF(list);
      return nullptr;
    }
    Py_DECREF(item);
  }
  return list;
}

}  // namespace

// ---- receiving ----------------------------------------------------------------------------------------------------

PyObject* socket_recv(SocketCore& socket, Py_ssize_t size_max, int flags) noexcept {
  if (negative(size_max, "recv")) return nullptr;
  if (size_max == 0) return PyBytes_FromStringAndSize(nullptr, 0);
  return receive_bytes(socket, size_max, flags, [&socket, flags](char* buffer, std::size_t size) {
    return ::recv(socket.fd, buffer, size, flags | MSG_DONTWAIT);
  });
}

Py_ssize_t socket_recv_into(SocketCore& socket, void* buffer, Py_ssize_t size, int flags) noexcept {
  if (size == 0) return 0;
  return receive_some(socket, size, flags, [&]() noexcept {
    return ::recv(socket.fd, buffer, static_cast<std::size_t>(size), flags | MSG_DONTWAIT);
  });
}

PyObject* socket_recvfrom(SocketCore& socket, Py_ssize_t size_max, int flags) noexcept {
  if (negative(size_max, "recvfrom")) return nullptr;
  SocketAddress address;
  PyObject* data = receive_bytes(socket, size_max, flags, [&](char* buffer, std::size_t size) {
    address.clear();
    return ::recvfrom(socket.fd, buffer, size, flags | MSG_DONTWAIT, &address.any, &address.size);
  });
  return pair_with_address(data, address);
}

PyObject* socket_recvfrom_now(SocketCore& socket, Py_ssize_t size_max) noexcept {
  if (size_max > kScratchSize) size_max = kScratchSize;  // no datagram is larger
  SocketAddress address;
  const ssize_t size =
      ::recvfrom(socket.fd, scratch, static_cast<std::size_t>(size_max), MSG_DONTWAIT, &address.any, &address.size);
  if (size >= 0) return pair_with_address(PyBytes_FromStringAndSize(scratch, size), address);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) Py_RETURN_NONE;
  return PyErr_SetFromErrno(PyExc_OSError);
}

PyObject* socket_recvfrom_into(SocketCore& socket, void* buffer, Py_ssize_t size, int flags) noexcept {
  SocketAddress address;
  const Py_ssize_t got = receive_some(socket, size, flags, [&]() noexcept {
    address.clear();
    return ::recvfrom(socket.fd, buffer, static_cast<std::size_t>(size), flags | MSG_DONTWAIT, &address.any,
                      &address.size);
  });
  return got < 0 ? nullptr : pair_with_address(PyLong_FromSsize_t(got), address);
}

PyObject* socket_recvmsg(SocketCore& socket, Py_ssize_t size_max, Py_ssize_t ancillary_max, int flags) noexcept {
  if (size_max < 0) {
    PyErr_SetString(PyExc_ValueError, "negative buffer size in recvmsg()");
    return nullptr;
  }
  if (ancillary_max < 0 || ancillary_max > INT_MAX) {
    PyErr_SetString(PyExc_ValueError, "invalid ancillary data buffer length");
    return nullptr;
  }
  PyObject* control = PyBytes_FromStringAndSize(nullptr, ancillary_max);
  if (control == nullptr) return nullptr;
  SocketAddress address;
  msghdr message{};
  PyObject* data = receive_bytes(socket, size_max, flags, [&](char* buffer, std::size_t size) {
    address.clear();
    iovec piece{buffer, size};
    message = msghdr{};
    message.msg_name = &address.any;
    message.msg_namelen = address.size;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = ancillary_max != 0 ? PyBytes_AS_STRING(control) : nullptr;
    message.msg_controllen = static_cast<decltype(message.msg_controllen)>(ancillary_max);
    const ssize_t got = ::recvmsg(socket.fd, &message, flags | MSG_DONTWAIT);
    address.size = message.msg_namelen;
    return got;
  });
  PyObject* result = nullptr;
  if (data != nullptr) {
    PyObject* ancillary = ancillary_to_python(message);
    PyObject* peer = ancillary == nullptr ? nullptr : address_to_python(address);
    if (peer != nullptr) result = Py_BuildValue("(OOiO)", data, ancillary, message.msg_flags, peer);
    Py_XDECREF(ancillary);
    Py_XDECREF(peer);
    Py_DECREF(data);
  }
  Py_DECREF(control);
  return result;
}

// ---- sending ------------------------------------------------------------------------------------------------------

Py_ssize_t socket_send(SocketCore& socket, const void* data, Py_ssize_t size, int flags, double timeout_s) noexcept {
  Patience patience((flags & MSG_DONTWAIT) != 0 ? 0 : timeout_s);
  do {
    const ssize_t sent = ::send(socket.fd, data, static_cast<std::size_t>(size), flags | MSG_DONTWAIT);
    if (sent >= 0) {
      socket.sent();
      return sent;
    }
  } while (socket.may_retry(kWrite, patience, EPIPE));
  return -1;
}

bool socket_sendall(SocketCore& socket, const void* data, Py_ssize_t size, int flags) noexcept {
  const char* next = static_cast<const char*>(data);
  Patience patience(socket.timeout_s);
  do {
    const ssize_t sent = ::send(socket.fd, next, static_cast<std::size_t>(size), flags | MSG_DONTWAIT);
    if (sent >= 0) socket.sent();
    if (sent == size) return true;
    if (sent >= 0) {
      next += sent;
      size -= sent;
      errno = EAGAIN;  // what was left did not fit
    }
    // Not may_retry(): part of it may be under way, so running out of patience is a timeout even for a socket that has
    // none.
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!socket.wait(kWrite, patience)) return false;
      if (socket.fd < 0) {
        errno = EPIPE;
        PyErr_SetFromErrno(PyExc_OSError);
        return false;
      }
    } else if (!socket.may_retry(kWrite, patience, EPIPE)) {
      return false;
    }
  } while (true);
}

Py_ssize_t socket_sendto(SocketCore& socket, const void* data, Py_ssize_t size, int flags,
                         const SocketAddress& address) noexcept {
  Patience patience = patience_for(socket, flags);
  do {
    const ssize_t sent =
        ::sendto(socket.fd, data, static_cast<std::size_t>(size), flags | MSG_DONTWAIT, &address.any, address.size);
    if (sent >= 0) {
      socket.sent();
      return sent;
    }
  } while (socket.may_retry(kWrite, patience, EPIPE));
  return -1;
}

Py_ssize_t socket_sendmsg(SocketCore& socket, iovec* pieces, std::size_t count, int flags,
                          SocketAddress* address) noexcept {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  if (address != nullptr) {
    message.msg_name = &address->any;
    message.msg_namelen = address->size;
  }
  Patience patience = patience_for(socket, flags);
  do {
    const ssize_t sent = ::sendmsg(socket.fd, &message, flags | MSG_DONTWAIT);
    if (sent >= 0) {
      socket.sent();
      return sent;
    }
  } while (socket.may_retry(kWrite, patience, EPIPE));
  return -1;
}

// ---- connections --------------------------------------------------------------------------------------------------

namespace {

// Asking first costs a twentieth of an accept() that finds nobody: the kernel makes the new socket, its inode and its
// file before it looks, and throws them away again.
bool nobody_connects(int fd) noexcept {
  pollfd listener{.fd = fd, .events = POLLIN, .revents = 0};
  return fd >= 0 && ::poll(&listener, 1, 0) == 0;
}

// A descriptor; -1 and errno.
int accept_one(int listener, SocketAddress& peer) noexcept {
  peer.size = sizeof peer.storage;
#ifdef __linux__
  return ::accept4(listener, &peer.any, &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
  const int fd = ::accept(listener, &peer.any, &peer.size);
  int nonblocking = 1;
  if (fd < 0 || (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && ::ioctl(fd, FIONBIO, &nonblocking) == 0)) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
#endif
}

}  // namespace

int socket_accept(SocketCore& socket, SocketAddress& peer) noexcept {
  Patience patience(socket.timeout_s);
  ensure_nonblocking(socket.fd);
  do {
    if (nobody_connects(socket.fd)) {
      errno = EAGAIN;
    } else if (const int fd = accept_one(socket.fd, peer); fd >= 0) {
      return fd;
    }
  } while (socket.may_retry(kRead, patience, EINVAL));
  return -1;
}

int socket_accept_now(SocketCore& socket, SocketAddress& peer, bool expected) noexcept {
  Patience none(0);
  do {
    if (!expected && nobody_connects(socket.fd)) return kNobody;
    const int fd = accept_one(socket.fd, peer);
    if (fd >= 0) return fd;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return kNobody;  // another process was faster
  } while (socket.may_retry(kRead, none, EINVAL));
  return -1;
}

int socket_connect(SocketCore& socket, const SocketAddress& address) noexcept {
  Patience patience(socket.timeout_s);
  ensure_nonblocking(socket.fd);
  do {
    const int error = ::connect(socket.fd, &address.any, address.size) == 0 ? 0 : errno;
    if (error != EAGAIN || socket.family != AF_UNIX || patience.none())
      return socket_finish_connect(socket, error, patience);
    // The listener's backlog is full, and there is no event that tells when it is not.
    if (patience.begin_wait() == 0) return kConnectTimedOut;
  } while (sleep_for(0.001, true) != kFailed);
  return -1;
}

int socket_finish_connect(SocketCore& socket, int error, Patience& patience) noexcept {
  if (error != EINPROGRESS && error != EALREADY && error != EINTR) return error;
  if (patience.none()) return error;
  const Parked outcome_of_wait = socket.park(kWrite, patience);
  if (outcome_of_wait != kWoken) return outcome_of_wait == kTimedOut ? kConnectTimedOut : -1;
  int outcome = 0;
  socklen_t size = sizeof outcome;
  return ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &outcome, &size) == 0 ? outcome : errno;
}

void ensure_nonblocking(int fd) noexcept { static_cast<void>(make_nonblocking(fd)); }

bool set_nonblocking(int fd, bool nonblocking) noexcept {
  int value = nonblocking ? 1 : 0;
  if (::ioctl(fd, FIONBIO, &value) == 0) return true;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

}  // namespace gevent
