#include "python/socket/socket_core.h"

#include <unistd.h>

#include <cerrno>
#include <memory>

#include "python/interpreter.h"
#include "python/socket_ends.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

struct Ends : SocketEnds {
  Ends() {
    core.fd = here.get();
    other.fd = there.get();
  }
  SocketCore core, other;
};

Ends* ends = nullptr;

PyObject* put(PyObject*, PyObject*) { return PyLong_FromSsize_t(::write(ends->there.get(), "x", 1)); }
PyObject* wait_to_read(PyObject*, PyObject*) {
  Patience patience(30);
  const Parked parked = ends->core.park(kRead, patience);
  return parked == kFailed ? nullptr : PyLong_FromLong(parked);
}

void begin(Ends& its) {
  ends = &its;
  define("put", put);
  define("wait_to_read", wait_to_read);
  run(R"(
import gevent
from gevent.exceptions import BlockingSwitchOutError, ConcurrentObjectUseError
ended = []
def wait():
    try: ended.append(wait_to_read())
    except Exception as error: ended.append(error)
waiting = gevent.spawn(wait)
gevent.sleep(0)
)");
}

}  // namespace

TEST_CASE("socket core: a wait is over when there is something to read") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  CHECK(its.core.anybody_waits(kRead));
  CHECK_FALSE(its.core.anybody_waits(kWrite));
  run("put()\nwaiting.join(30)");
  CHECK(holds("ended == [1]"));
  CHECK_FALSE(its.core.anybody_waits(kRead | kWrite));
}

TEST_CASE("socket core: a second one who waits for the same is refused, and one for the other direction is not") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  begin(its);
  Patience patience(30);
  CHECK(its.core.park(kRead, patience) == kFailed);
  const Object refusal(PyErr_Occurred() == nullptr ? nullptr : Py_NewRef(PyErr_Occurred()));
  PyErr_Clear();
  PyDict_SetItemString(names(), "refusal", refusal);
  CHECK(holds("issubclass(refusal, ConcurrentObjectUseError)"));
  CHECK(its.core.park(kWrite, patience) == kWoken);
  run("put()\nwaiting.join(30)");
}

TEST_CASE("socket core: waits are cancelled with an exception, but woken where the direction was shut down before") {
  const Object error(value_of("KeyError('closed')"));
  PyDict_SetItemString(names(), "error", error);
  for (const bool shut : {false, true}) {
    const auto owned = std::make_unique<Ends>();
    Ends& its = *owned;
    begin(its);
    if (shut) its.core.note_shut(kRead);
    its.core.cancel_waits(kRead | kWrite, error);
    run("waiting.join(30)");
    CHECK(holds(shut ? "ended == [1]" : "ended == [error]"));
  }
}

TEST_CASE("socket core: who sends at one end of a pair wakes who waits at the other, before the kernel says so") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  SocketCore::join(its.core, its.other);
  begin(its);
  its.other.sent();
  run("waiting.join(30)");
  CHECK(holds("ended == [1]"));
  its.core.forget();
  its.other.sent();  // they have parted: nothing
}

TEST_CASE("socket core: a wait that takes too long is TimeoutError, and none at all for who has no patience") {
  const auto owned = std::make_unique<Ends>();
  Ends& its = *owned;
  Patience short_one(0.001), none(0);
  CHECK_FALSE(its.core.wait(kRead, short_one));
  CHECK(raised(PyExc_TimeoutError));
  errno = EAGAIN;
  CHECK_FALSE(its.core.may_retry(kRead, none, 0));
  CHECK(raised(PyExc_BlockingIOError));
  errno = ECONNRESET;
  Patience patience(30);
  CHECK_FALSE(its.core.may_retry(kRead, patience, 0));
  CHECK(raised(PyExc_ConnectionResetError));
  errno = EINTR;
  CHECK(its.core.may_retry(kRead, patience, 0));
}

TEST_CASE("socket core: patience is for the whole of a call") {
  Patience for_ever, patience(30);
  CHECK(for_ever.begin_wait() < 0);
  CHECK(patience.begin_wait() == 30);
  const double left = patience.begin_wait();
  CHECK((left > 0 && left <= 30));
}

TEST_CASE("socket core: who finds nothing twice waits first, and tries again now and then") {
  ReceiveHabit habit;
  CHECK_FALSE(habit.waits_first());
  habit.received(10, 100);
  habit.tried(false);
  CHECK_FALSE(habit.waits_first());
  habit.tried(false);
  int waits = 0;
  for (int i = 0; i < 64; ++i) waits += habit.waits_first() ? 1 : 0;
  CHECK(waits == 62);
  habit.tried(true);
  CHECK_FALSE(habit.waits_first());
  habit.received(1 << 20, 1 << 20);
  CHECK(habit.expects_much());
}
