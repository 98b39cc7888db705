#include "python/socket/tls_io.h"

#include <unistd.h>

#include <memory>

#include "python/hub/hub_state.h"
#include "python/interpreter.h"
#include "python/socket_ends.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// What encrypts is a program of Python's that says what it wants.
struct Ends : SocketEnds {
  Ends() { core.fd = here.get(); }
  SocketCore core;
};

Ends* ends = nullptr;

PyObject* put(PyObject*, PyObject*) { return PyLong_FromSsize_t(::write(ends->there.get(), "x", 1)); }
PyObject* close_here(PyObject*, PyObject*) {
  ends->core.wake_waits(kRead | kWrite);
  ends->core.fd = -1;
  Py_RETURN_NONE;
}
PyObject* read_some(PyObject*, PyObject*) {
  const Object tls(value_of("tls"));
  return tls_read(ends->core, tls, 100, Py_None, false);
}

void begin(Ends& its) {
  ends = &its;
  define("put", put);
  define("close_here", close_here);
  define("read_some", read_some);
  run(R"(
import gevent, gevent.ssl, ssl
class Encryption:
    """Does what it is told, in this order: what is an exception is raised."""
    def __init__(self, *answers): self.answers, self.asked, self.waiting = list(answers), [], 0
    def answer(self, *asked):
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, type) and issubclass(answer, Exception): raise answer(2, "asks")
        return answer
    read = write = do_handshake = answer
    def pending(self): return self.waiting
want_read, want_write, ragged = ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError
)");
  const Object in(value_of("want_read")), out(value_of("want_write")), end(value_of("ragged"));
  set_tls_errors(in, out, end);
}

// What a call returns is `found` in Python; false if it raised.
bool found(PyObject* stolen) {
  const Object result(stolen);
  if (result == nullptr) return false;
  PyDict_SetItemString(names(), "found", result);
  return true;
}

bool read_all(const char* buffer = "None", bool ends_quietly = false) {
  const Object tls(value_of("tls")), into(value_of(buffer));
  return found(tls_read(ends->core, tls, 100, into, ends_quietly));
}

}  // namespace

TEST_CASE("tls io: the encryption is asked again when the network is as it wants it") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run("tls = Encryption(want_write, want_read, 'done')\ngevent.spawn(put)");
  const Object method(value_of("tls.do_handshake"));
  CHECK((found(tls_call(its.core, method, "handshake")) && holds("found == 'done' and len(tls.asked) == 3")));
}

TEST_CASE("tls io: what else it raises is the caller's, at once") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run("tls = Encryption(KeyError, 'not asked for')");
  CHECK_FALSE(read_all());
  CHECK(raised(PyExc_KeyError));
  CHECK(holds("len(tls.asked) == 1"));
}

TEST_CASE("tls io: time that is over names the operation") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  its.core.timeout_s = 0.001;
  run("tls = Encryption(want_read, want_read)");
  CHECK_FALSE(read_all());
  CHECK((PyErr_ExceptionMatches(PyExc_TimeoutError) && PyErr_Occurred() != nullptr));
  PyErr_Clear();
  const Object method(value_of("tls.do_handshake"));
  CHECK_FALSE(found(tls_call(its.core, method, "_ssl.c handshake")));
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyDict_SetItemString(names(), "error", value);
  CHECK(holds("str(error) == 'The _ssl.c handshake operation timed out'"));
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
}

TEST_CASE("tls io: a call that may not wait fails with what the encryption says, and lets others run in the end") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  its.core.timeout_s = 0;
  run("ran = []\nother = gevent.spawn(ran.append, 1)");
  const Object want(value_of("want_read"));
  for (int looks = 0; looks < 200; ++looks) {
    run("tls = Encryption(want_read)");
    CHECK_FALSE(read_all());
    CHECK(raised(want));
  }
  CHECK(holds("ran == [1]"));
}

TEST_CASE("tls io: bytes are read as such, or into a buffer") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run("tls = Encryption(b'abc', 2)\nbuffer = bytearray(5)");
  CHECK((read_all() && holds("found == b'abc' and tls.asked[-1] == (100,)")));
  CHECK((read_all("buffer") && holds("found == 2 and tls.asked[-1] == (100, buffer)")));
}

TEST_CASE("tls io: an end without a word is an end where the caller takes it for one, otherwise an error") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run("tls = Encryption(ragged, ragged, ragged)");
  CHECK((read_all("None", true) && holds("found == b''")));
  CHECK((read_all("bytearray(1)", true) && holds("found == 0")));
  const Object end(value_of("ragged"));
  CHECK_FALSE(read_all());
  CHECK(raised(end));
}

TEST_CASE("tls io: a connection that others close meanwhile is at its end, and the encryption is not asked again") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run(R"(
tls = Encryption(want_read, b"from another file")
def read():
    try: read_some()
    except ragged: return "ended"
reading = gevent.spawn(read)
gevent.sleep(0)
close_here()
reading.join(30)
)");
  CHECK(holds("reading.value == 'ended' and len(tls.asked) == 1"));
}

TEST_CASE("tls io: who was told to wait again and again waits first, unless something is decrypted already") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run("tls = Encryption(want_read, b'1', want_read, b'2', b'3', b'4')\nput()");
  for (int messages = 0; messages < 2; ++messages) CHECK(read_all());
  CHECK(holds("len(tls.asked) == 4"));
  CHECK((read_all() && holds("found == b'3' and len(tls.asked) == 5")));  // it has waited, and was not told to
  char byte = 0;
  REQUIRE(::read(its.here.get(), &byte, 1) == 1);
  its.core.timeout_s = 0.001;
  run("tls.waiting = 1");
  CHECK((read_all() && holds("found == b'4'")));  // nothing is there to wait for
}

TEST_CASE("tls io: what is written is taken piece by piece, with a limit of its own") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  run("tls = Encryption(want_write, 3)\ndata = b'abc'");
  const Object tls(value_of("tls")), data(value_of("data"));
  CHECK((found(tls_write(its.core, tls, data, 30)) && holds("found == 3 and tls.asked == [(data,), (data,)]")));
  run("tls.answers = [want_write]");
  const Object want(value_of("want_write"));
  CHECK_FALSE(found(tls_write(its.core, tls, data, 0)));
  CHECK(raised(want));
}
