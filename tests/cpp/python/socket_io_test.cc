#include "python/socket/socket_io.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "base/owned_fd.h"
#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// The two ends of a connection.
struct Ends {
  Ends() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(set_nonblocking(fds[i], true));
      owned[i] = OwnedFd(fds[i]);
      SocketCore& end = i == 0 ? one : other;
      end.fd = fds[i];
      end.family = AF_UNIX;
      end.type = SOCK_STREAM;
    }
  }
  ~Ends() {
    one.forget();
    other.forget();
  }
  OwnedFd owned[2];
  SocketCore one, other;
};

Ends* current = nullptr;
PyObject* receive(PyObject*, PyObject*) { return socket_recv(current->one, 100, 0); }
PyObject* send_something(PyObject*, PyObject*) {
  return PyBool_FromLong(socket_sendall(current->other, "abc", 3, 0) ? 1 : 0);
}
PyObject* fail_waits(PyObject*, PyObject*) {
  const Object error(value_of("OSError(9, 'closed meanwhile')"));
  current->one.cancel_waits(kRead | kWrite, error);
  Py_RETURN_NONE;
}

void begin(Ends& ends) {
  current = &ends;
  define("receive", receive);
  define("send_something", send_something);
  define("fail_waits", fail_waits);
  run("import gevent\ndef spawned(how):\n    made = gevent.spawn(how)\n    gevent.sleep(0)\n    return made");
}

}  // namespace

TEST_CASE("socket io: what is there is received at once") {
  Ends ends;
  CHECK(socket_send(ends.other, "abc", 3, 0, -1) == 3);
  const Object data(socket_recv(ends.one, 100, 0));
  PyDict_SetItemString(names(), "data", data);
  CHECK(holds("data == b'abc'"));
}

TEST_CASE("socket io: who finds nothing lets others run until something comes") {
  Ends ends;
  begin(ends);
  run("waiting = spawned(receive)\nsent = send_something()\nwaiting.join(30)");
  CHECK(holds("sent and waiting.value == b'abc'"));
}

TEST_CASE("socket io: time is over as an exception, and without time nobody waits") {
  Ends ends;
  ends.one.timeout_s = 0.001;
  CHECK(socket_recv(ends.one, 100, 0) == nullptr);
  CHECK(raised(PyExc_TimeoutError));
  ends.one.timeout_s = 0;
  CHECK(socket_recv(ends.one, 100, 0) == nullptr);
  CHECK(raised(PyExc_BlockingIOError));
  ends.one.timeout_s = -1;
  CHECK(socket_recv(ends.one, 100, MSG_DONTWAIT) == nullptr);
  CHECK(raised(PyExc_BlockingIOError));
}

TEST_CASE("socket io: two greenlets cannot wait to receive from one socket") {
  Ends ends;
  begin(ends);
  run(R"(
from gevent.exceptions import ConcurrentObjectUseError
waiting = spawned(receive)
try: receive()
except ConcurrentObjectUseError: refused = True
send_something()
waiting.join(30)
)");
  CHECK(holds("refused and waiting.value == b'abc'"));
}

TEST_CASE("socket io: who waits fails with what it is told when the socket is closed") {
  Ends ends;
  begin(ends);
  run(R"(
def code():
    try: receive()
    except OSError as error: return error.args
waiting = spawned(code)
fail_waits()
waiting.join(30)
)");
  CHECK(holds("waiting.value == (9, 'closed meanwhile')"));
  CHECK_FALSE(ends.one.anybody_waits(kRead));
}

TEST_CASE("socket io: a pair knows what it sends to each other") {
  Ends ends;
  begin(ends);
  SocketCore::join(ends.one, ends.other);
  run("waiting = spawned(receive)\nsend_something()\nwaiting.join(30)");
  CHECK(holds("waiting.value == b'abc'"));
}

TEST_CASE("socket io: the end of a stream is empty, and a peer that is gone an error of the system's") {
  Ends ends;
  ends.owned[1].reset();
  const Object end(socket_recv(ends.one, 100, 0));
  CHECK(PyBytes_GET_SIZE(static_cast<PyObject*>(end)) == 0);
  CHECK_FALSE(socket_sendall(ends.one, "x", 1, MSG_NOSIGNAL));
  CHECK(raised(PyExc_BrokenPipeError));
}

TEST_CASE("receive habit: after two vain tries it waits first, but for a try now and then") {
  ReceiveHabit habit;
  habit.received(10, 100);
  CHECK_FALSE(habit.waits_first());
  habit.tried(false);
  habit.tried(false);
  int waits = 0;
  for (int i = 0; i < 32; ++i) waits += habit.waits_first() ? 1 : 0;
  CHECK(waits == 31);
  habit.tried(true);
  CHECK_FALSE(habit.waits_first());
}
