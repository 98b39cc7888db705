#include "python/socket/socket_address.h"

#include <arpa/inet.h>

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("socket address: what is read is written again as it was") {
  const struct {
    int family;
    const char* address;
  } cases[] = {
      {AF_INET, "('127.0.0.1', 80)"},
      {AF_INET, "('255.255.255.255', 65535)"},
      {AF_INET6, "('::1', 80, 0, 0)"},
      {AF_UNIX, "'/a/path'"},
  };
  for (const auto& each : cases) {
    SocketAddress address;
    const Object given = value_of(each.address);
    REQUIRE(address_from_python(each.family, given, address));
    const Object written = address_to_python(address);
    CHECK(PyObject_RichCompareBool(given, written, Py_EQ) == 1);
  }
}

TEST_CASE("socket address: names, mistakes and what is rare are left to _socket, without an exception") {
  for (const char* each : {"('localhost', 80)", "('', 80)", "('127.0.0.1', -1)", "('127.0.0.1', 65536)",
                           "('127.0.0.1',)", "['127.0.0.1', 80]", "None", "('127.0.0.1', 'http')"}) {
    SocketAddress address;
    const Object given = value_of(each);
    CHECK_FALSE(address_from_python(AF_INET, given, address));
    CHECK(PyErr_Occurred() == nullptr);
  }
}
