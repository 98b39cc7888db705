// The calls of a socket: try at once, and park only when the kernel says that there is nothing to do yet.
//
// All of them hold the GIL throughout: none can block, because each asks the kernel not to (MSG_DONTWAIT, O_NONBLOCK),
// and giving up the GIL costs more than most of these calls. All return nullptr, -1 or false with a Python exception
// set on failure. `flags` are the system's; MSG_DONTWAIT among them means what it says: the call does not park either.
#pragma once
#include <Python.h>
#include <sys/uio.h>

#include "python/socket/socket_address.h"
#include "python/socket/socket_core.h"

namespace gevent {

PyObject* socket_recv(SocketCore& socket, Py_ssize_t size_max, int flags) noexcept;
Py_ssize_t socket_recv_into(SocketCore& socket, void* buffer, Py_ssize_t size, int flags) noexcept;

// (data, address) and (size, address). Require: is_common_family(socket.family).
PyObject* socket_recvfrom(SocketCore& socket, Py_ssize_t size_max, int flags) noexcept;
// Never parks: None when nothing has come.
PyObject* socket_recvfrom_now(SocketCore& socket, Py_ssize_t size_max) noexcept;
PyObject* socket_recvfrom_into(SocketCore& socket, void* buffer, Py_ssize_t size, int flags) noexcept;

// (data, ancillary data, flags, address), as socket.recvmsg. Requires: is_common_family(socket.family).
PyObject* socket_recvmsg(SocketCore& socket, Py_ssize_t size_max, Py_ssize_t ancillary_max, int flags) noexcept;

Py_ssize_t socket_send(SocketCore& socket, const void* data, Py_ssize_t size, int flags, double timeout_s) noexcept;
// Sends everything. Without patience, raises TimeoutError as soon as the kernel takes no more. The timeout is for all
// of it.
bool socket_sendall(SocketCore& socket, const void* data, Py_ssize_t size, int flags) noexcept;
Py_ssize_t socket_sendto(SocketCore& socket, const void* data, Py_ssize_t size, int flags,
                         const SocketAddress& address) noexcept;
// `address` may be nullptr.
Py_ssize_t socket_sendmsg(SocketCore& socket, iovec* pieces, std::size_t count, int flags,
                          SocketAddress* address) noexcept;

// Accepts one connection: its descriptor (close-on-exec, O_NONBLOCK); the other side's address goes into `peer`.
int socket_accept(SocketCore& socket, SocketAddress& peer) noexcept;

// The same, but never parks: kNobody and no exception when no connection is waiting. `expected`: an event has told of
// one that nobody has accepted yet. Requires: ensure_nonblocking() a moment ago.
inline constexpr int kNobody = -2;
int socket_accept_now(SocketCore& socket, SocketAddress& peer, bool expected) noexcept;

// Connects, parking until that is decided. Returns 0 or an errno value, kConnectTimedOut, or -1 with an exception.
// Without patience: EINPROGRESS.
inline constexpr int kConnectTimedOut = -2;
int socket_connect(SocketCore& socket, const SocketAddress& address) noexcept;
// The same for a connect() made elsewhere that returned `error`.
int socket_finish_connect(SocketCore& socket, int error, Patience& patience) noexcept;

// Sets or clears O_NONBLOCK. False + exception on failure.
bool set_nonblocking(int fd, bool nonblocking) noexcept;
// Sets O_NONBLOCK if somebody cleared it. What is wrong with `fd` otherwise, the next call will say.
void ensure_nonblocking(int fd) noexcept;

}  // namespace gevent
