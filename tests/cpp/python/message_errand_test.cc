#include "python/wait/message_errand.h"

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "ipc/framing.h"
#include "ipc/shared_arena.h"
#include "ipc/shared_semaphore.h"
#include "python/interpreter.h"
#include "python/socket_ends.h"
#include "python/wait/message_exchange.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

SocketEnds* ends = nullptr;

PyObject* receive(PyObject*, PyObject*) { return receive_message(ends->here.get(), -1); }

// The first half of a message of 1000 bytes, or the second.
void put_half(const SocketEnds& its, bool second) {
  const FrameHeader header(1000);
  const auto bytes = header.bytes();
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text += std::string(1000, 'x');
  const std::size_t half = text.size() / 2;
  const std::string part = second ? text.substr(half) : text.substr(0, half);
  REQUIRE(::write(its.there.get(), part.data(), part.size()) == static_cast<ssize_t>(part.size()));
}

void begin(SocketEnds& its) {
  ends = &its;
  define("receive", receive);
  run("import gevent");
}

// Half of a message has come when its reader is interrupted.
void leave_half(const SocketEnds& its) {
  put_half(its, false);
  run("receiving = gevent.spawn(receive)\ngevent.sleep(0)\nreceiving.kill(timeout=30)");
}

}  // namespace

TEST_CASE("message errand: who is interrupted in the middle of a message leaves it, and the next one has all of it") {
  const auto owned = std::make_unique<SocketEnds>();
  SocketEnds& its = *owned;
  begin(its);
  leave_half(its);
  CHECK(messages_may_be_kept());
  put_half(its, true);
  run("next_one = gevent.spawn(receive)\nnext_one.join(30)");
  CHECK(holds("next_one.value == b'x' * 1000"));
  CHECK(finish_errands(1) == 0);
}

TEST_CASE("message errand: there is none where nobody was interrupted, and none in time where it does not come") {
  const auto owned = std::make_unique<SocketEnds>();
  SocketEnds& its = *owned;
  begin(its);
  const Object nothing(receive_kept_message(its.here.get(), -1));
  CHECK(static_cast<PyObject*>(nothing) == Py_None);
  leave_half(its);
  const Object late(receive_kept_message(its.here.get(), 0.001));
  CHECK(static_cast<PyObject*>(late) == Py_None);
  put_half(its, true);
  const Object kept(receive_kept_message(its.here.get(), 30));
  PyDict_SetItemString(names(), "kept", kept);
  CHECK(holds("kept == b'x' * 1000"));
}

TEST_CASE("message errand: closing a descriptor ends the wait for what was on its way") {
  const auto owned = std::make_unique<SocketEnds>();
  SocketEnds& its = *owned;
  begin(its);
  leave_half(its);
  run(R"(
failed = []
def wait():
    try: receive()
    except OSError as error: failed.append(error.errno)
waiting = gevent.spawn(wait)
gevent.sleep(0)
)");
  forget_errands_of(its.here.get());
  run("waiting.join(30)");
  const Object expected(PyLong_FromLong(EBADF));
  PyDict_SetItemString(names(), "expected", expected);
  CHECK(holds("failed == [expected]"));
}

TEST_CASE("message errand: what does not fit is sent later, in the order of the calls, each under its lock") {
  const auto owned = std::make_unique<SocketEnds>();
  SocketEnds& its = *owned;
  begin(its);
  auto made = SharedArena::create();
  REQUIRE(made.ok());
  const std::shared_ptr<SharedArena> arena = std::move(made).value();
  SharedSemaphore lock(arena, arena->allocate(1).value());
  const std::string large(1 << 21, 'l');
  CHECK(send_or_leave(its.there.get(), large.data(), large.size(), lock, 1, Py_None) == 0);
  CHECK(is_sending(its.there.get()));
  CHECK(lock.value() == 0);
  CHECK(send_or_leave(its.there.get(), "s", 1, lock, 1, Py_None) == 0);
  run("first, second = receive(), receive()");
  CHECK(holds("first == b'l' * (1 << 21) and second == b's'"));
  CHECK(finish_errands(30) == 0);
  CHECK_FALSE(is_sending(its.there.get()));
  CHECK(lock.value() == 1);
}

TEST_CASE("message errand: what fails at once is the caller's, and takings are counted upwards") {
  const auto owned = std::make_unique<SocketEnds>();
  SocketEnds& its = *owned;
  begin(its);
  auto made = SharedArena::create();
  REQUIRE(made.ok());
  const std::shared_ptr<SharedArena> arena = std::move(made).value();
  SharedSemaphore lock(arena, arena->allocate(1).value());
  its.here.reset();
  CHECK(send_or_leave(its.there.get(), "s", 1, lock, 1, Py_None) == -1);
  CHECK(raised(PyExc_BrokenPipeError));
  CHECK(lock.value() == 1);
  const std::uint64_t taking = next_taking();
  CHECK(next_taking() > taking);
}
