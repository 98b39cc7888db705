#include "python/wait/message_exchange.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

int ends[2];

void new_connection() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
void close_both() {
  CHECK(close_exchange(ends[0]) == 0);
  CHECK(close_exchange(ends[1]) == 0);
}

bool received(const char* expected) {
  const Object message(receive_message(ends[0], -1));
  return message != nullptr && std::string(PyBytes_AsString(message)) == expected;
}

const std::string large(1 << 20, 'x');
PyObject* receive(PyObject*, PyObject*) { return receive_message(ends[0], -1); }
PyObject* send_large(PyObject*, PyObject*) {
  if (send_message(ends[1], large.data(), large.size()) < 0) return nullptr;
  Py_RETURN_NONE;
}
PyObject* close_receiving_end(PyObject*, PyObject*) { return PyLong_FromLong(close_exchange(ends[0])); }

void begin() {
  new_connection();
  define("receive", receive);
  define("send_large", send_large);
  define("close_receiving_end", close_receiving_end);
  run("import gevent\ndef spawned(how):\n    made = gevent.spawn(how)\n    gevent.sleep(0)\n    return made");
}

}  // namespace

TEST_CASE("message exchange: messages arrive whole and in order") {
  new_connection();
  for (const char* each : {"one", "", "three"}) CHECK(send_message(ends[1], each, std::string(each).size()) == 0);
  CHECK((received("one") && received("") && received("three")));
  close_both();
}

TEST_CASE("message exchange: one that is too large is refused, as None") {
  new_connection();
  CHECK(send_message(ends[1], "12345", 5) == 0);
  const Object refused(receive_message(ends[0], 4));
  CHECK(static_cast<PyObject*>(refused) == Py_None);
  close_both();
}

TEST_CASE("message exchange: the end of the stream is an EOFError") {
  new_connection();
  CHECK(close_exchange(ends[1]) == 0);
  CHECK(receive_message(ends[0], -1) == nullptr);
  CHECK(raised(PyExc_EOFError));
  CHECK(close_exchange(ends[0]) == 0);
}

TEST_CASE("message exchange: a message that does not fit at once is sent while others run") {
  begin();
  run("sending = spawned(send_large)\nwaiting = spawned(receive)\ngevent.joinall([sending, waiting], timeout=30)");
  CHECK(holds("sending.successful() and len(waiting.value) == 1 << 20"));
  close_both();
}

TEST_CASE("message exchange: a sender that is killed amid a message leaves it to be finished") {
  begin();
  run("sending = spawned(send_large)\nsending.kill(timeout=30)\nmessage = spawned(receive)\nmessage.join(30)");
  CHECK(holds("sending.dead and len(message.value) == 1 << 20"));
  close_both();
}

TEST_CASE("message exchange: closing ends a wait with an error") {
  begin();
  run(R"(
def code():
    try: receive()
    except OSError: return 'closed'
waiting = spawned(code)
close_receiving_end()
waiting.join(30)
)");
  CHECK(holds("waiting.value == 'closed'"));
  CHECK(close_exchange(ends[1]) == 0);
}

TEST_CASE("message exchange: bytes without a header") {
  new_connection();
  CHECK(send_bytes(ends[1], "abcdef", 6) == 0);
  const Object first(receive_bytes(ends[0], 4));
  CHECK(std::string(PyBytes_AsString(first)) == "abcd");
  CHECK(close_exchange(ends[1]) == 0);
  CHECK(receive_bytes(ends[0], 4) == nullptr);  // there were two more
  CHECK(raised(PyExc_OSError));
  CHECK(receive_bytes(ends[0], 4) == nullptr);
  CHECK(raised(PyExc_EOFError));
  CHECK(close_exchange(ends[0]) == 0);
}
