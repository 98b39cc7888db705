#include "python/socket/socket_address.h"

#include <arpa/inet.h>
#include <cstdint>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "python/object/pair.h"

namespace gevent {
namespace {

// Most connections come from a few hosts, whose names need not be made again. Guarded by the GIL.
struct RecentHost {
  in_addr_t number;
  PyObject* text;  // owned, nullptr: none yet
};
constexpr std::size_t kRecentHosts = 16;
RecentHost recent_hosts[kRecentHosts];

RecentHost& recent_host(in_addr_t number) noexcept {
  return recent_hosts[(number ^ number >> 8 ^ number >> 16 ^ number >> 24) % kRecentHosts];
}

// By hand: inet_ntop() and Py_BuildValue() interpret a format each.
PyObject* write_dotted_quad(const in_addr& address) noexcept {
  char text[INET_ADDRSTRLEN];
  char* end = text;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&address);
  for (int i = 0; i != 4; ++i) {
    if (i != 0) *end++ = '.';
    end = std::to_chars(end, text + sizeof text, bytes[i]).ptr;
  }
  return PyUnicode_FromStringAndSize(text, end - text);
}

PyObject* dotted_quad(const in_addr& address) noexcept {
  RecentHost& recent = recent_host(address.s_addr);
  if (recent.text == nullptr || recent.number != address.s_addr) {
    PyObject* const text = write_dotted_quad(address);
    if (text == nullptr) return nullptr;
    recent.number = address.s_addr;
    Py_XSETREF(recent.text, text);
  }
  return Py_NewRef(recent.text);
}

PyObject* host_port_4(const sockaddr_in& in4) noexcept {
  return pair_of(dotted_quad(in4.sin_addr), PyLong_FromLong(ntohs(in4.sin_port)));
}

PyObject* host_port_6(const sockaddr_in6& in6) noexcept {
  char text[INET6_ADDRSTRLEN];
  if (::inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text) == nullptr) return PyErr_SetFromErrno(PyExc_OSError);
  return Py_BuildValue("(siII)", text, static_cast<int>(ntohs(in6.sin6_port)),
                       static_cast<unsigned>(ntohl(in6.sin6_flowinfo)), static_cast<unsigned>(in6.sin6_scope_id));
}

PyObject* local_path(const SocketAddress& address) noexcept {
  const char* path = address.local.sun_path;
#ifdef __linux__
  // An abstract name begins with NUL and is as long as the system says, NULs included.
  const auto size = static_cast<Py_ssize_t>(address.size) - static_cast<Py_ssize_t>(offsetof(sockaddr_un, sun_path));
  if (size > 0 && path[0] == '\0') return PyBytes_FromStringAndSize(path, size);
#endif
  return PyUnicode_DecodeFSDefaultAndSize(path,
                                          static_cast<Py_ssize_t>(::strnlen(path, sizeof address.local.sun_path)));
}

// Reads an exact int in 0..limit.
bool read_number(PyObject* object, unsigned long limit, unsigned long& number) noexcept {
  if (!PyLong_CheckExact(object)) return false;
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow != 0 || value < 0 || static_cast<unsigned long long>(value) > limit) return false;
  number = static_cast<unsigned long>(value);
  return true;
}

bool read_host(int family, PyObject* object, void* address) noexcept {
  if (!PyUnicode_CheckExact(object)) return false;
  Py_ssize_t size;
  const char* text = PyUnicode_AsUTF8AndSize(object, &size);
  if (text == nullptr) {
    PyErr_Clear();  // a lone surrogate: `_socket` complains in its own words
    return false;
  }
  return std::strlen(text) == static_cast<std::size_t>(size) && ::inet_pton(family, text, address) == 1;
}

// A path, or on Linux an abstract name, which begins with NUL and may fill all there is.
bool read_path(PyObject* object, SocketAddress& address) noexcept {
  PyObject* bytes = nullptr;
  if (PyUnicode_CheckExact(object)) {
    bytes = PyUnicode_EncodeFSDefault(object);
    if (bytes == nullptr) PyErr_Clear();
  } else if (PyBytes_CheckExact(object)) {
    bytes = Py_NewRef(object);
  }
  if (bytes == nullptr) return false;
  const char* path = PyBytes_AS_STRING(bytes);
  const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(bytes));
  const bool abstract = size > 0 && path[0] == '\0';
  const bool fits = size > 0 && size + (abstract ? 0 : 1) <= sizeof address.local.sun_path;
  if (fits) {
    address.clear();
    address.local.sun_family = AF_UNIX;
    std::memcpy(address.local.sun_path, path, size);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  }
  Py_DECREF(bytes);
  return fits;
}

}  // namespace

void SocketAddress::clear() noexcept {
  std::memset(&storage, 0, sizeof storage);
  size = sizeof storage;
}

PyObject* address_to_python(const SocketAddress& address) noexcept {
  if (address.size == 0) Py_RETURN_NONE;  // connected stream sockets have none to tell
  switch (address.any.sa_family) {
    case AF_INET:
      return host_port_4(address.in4);
    case AF_INET6:
      return host_port_6(address.in6);
    case AF_UNIX:
      return local_path(address);
    default:
      Py_RETURN_NONE;
  }
}

bool address_from_python(int family, PyObject* object, SocketAddress& address) noexcept {
  if (family == AF_UNIX) return read_path(object, address);
  if ((family != AF_INET && family != AF_INET6) || !PyTuple_CheckExact(object)) return false;
  const Py_ssize_t parts = PyTuple_GET_SIZE(object);
  unsigned long port = 0;
  if (parts < 2 || !read_number(PyTuple_GET_ITEM(object, 1), 0xffff, port)) return false;
  address.clear();
  if (family == AF_INET) {
    if (parts != 2 || !read_host(AF_INET, PyTuple_GET_ITEM(object, 0), &address.in4.sin_addr)) return false;
    address.in4.sin_family = AF_INET;
    address.in4.sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof address.in4;
    return true;
  }
  unsigned long flow = 0;
  unsigned long scope = 0;
  if (parts > 4 || (parts > 2 && !read_number(PyTuple_GET_ITEM(object, 2), 0xfffff, flow)) ||
      (parts > 3 && !read_number(PyTuple_GET_ITEM(object, 3), 0xffffffff, scope)) ||
      !read_host(AF_INET6, PyTuple_GET_ITEM(object, 0), &address.in6.sin6_addr))
    return false;
  address.in6.sin6_family = AF_INET6;
  address.in6.sin6_port = htons(static_cast<std::uint16_t>(port));
  address.in6.sin6_flowinfo = htonl(static_cast<std::uint32_t>(flow));
  address.in6.sin6_scope_id = static_cast<std::uint32_t>(scope);
  address.size = sizeof address.in6;
  return true;
}

}  // namespace gevent
