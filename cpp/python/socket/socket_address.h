// Socket addresses between C and Python, in the standard library's notation.
#pragma once
#include <Python.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace gevent {

// Room for any address the system hands out.
struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in in4;
    sockaddr_in6 in6;
    sockaddr_un local;
    sockaddr_storage storage;
  };
  socklen_t size;

  SocketAddress() noexcept { clear(); }
  void clear() noexcept;  // ready to be filled by the system
};

// AF_INET, AF_INET6 and AF_UNIX are written and read here. Everything rarer is left to `_socket`, which knows them all.
[[nodiscard]] constexpr bool is_common_family(int family) noexcept {
  return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

// A new reference, as `_socket` would write it: ('127.0.0.1', 80), ('::1', 80, 0, 0), a path, None for no address.
// Requires: is_common_family() of the socket it came from. nullptr + exception on failure.
PyObject* address_to_python(const SocketAddress& address) noexcept;

// Reads `object` when it is plain: a tuple with a numeric host and a port in range, for AF_UNIX a path. Returns false
// and sets no exception for anything else (names, '', scopes, mistakes): `_socket` knows what to do, or to say.
[[nodiscard]] bool address_from_python(int family, PyObject* object, SocketAddress& address) noexcept;

}  // namespace gevent
