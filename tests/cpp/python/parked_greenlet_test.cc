#include "python/wait/parked_greenlet.h"

#include "python/interpreter.h"
#include "sync/waiter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue line;

PyObject* wait_here(PyObject*, PyObject*) {
  const Parked parked = park_in(line, 30);
  return parked == kFailed ? nullptr : PyLong_FromLong(parked);
}

// Of the greenlet that `waiting` is in Python.
ParkedGreenlet* parked() {
  const Object greenlet(value_of("waiting"));
  return ParkedGreenlet::of(reinterpret_cast<PyGreenlet*>(static_cast<PyObject*>(greenlet)));
}

PyObject* interrupt(PyObject*, PyObject*) {
  const Object handler(value_of("handler")), number(PyLong_FromLong(10));
  return parked()->interrupt(handler, number, nullptr);
}

void begin() {
  define("wait_here", wait_here);
  define("interrupt", interrupt);
  run(R"(
import gevent
order = []
def wait():
    try: order.append(wait_here())
    except KeyError as error: order.append(error)
def handler(number, frame): order.append((gevent.getcurrent() is waiting, number, frame.f_code.co_name))
waiting = gevent.spawn(wait)
gevent.sleep(0)
)");
}

}  // namespace

TEST_CASE("parked greenlet: it is found while it waits, is woken once, and goes back to where it came from") {
  begin();
  ParkedGreenlet* const found = parked();
  REQUIRE(found != nullptr);
  CHECK(line.front() == found);
  CHECK(line.wake_one());
  found->wake();  // again does nothing
  run("waiting.join(30)");
  CHECK(holds("order == [1]"));
  CHECK(parked() == nullptr);
}

TEST_CASE("parked greenlet: a wake-up can be taken back until it has run, and after that not") {
  begin();
  ParkedGreenlet* const found = parked();
  CHECK(line.wake_one());
  CHECK(found->take_back());
  line.enqueue(*found);
  run("gevent.sleep(0)\ngevent.sleep(0)");
  CHECK(holds("order == []"));
  CHECK(line.wake_one());
  run("waiting.join(30)");
  CHECK(holds("order == [1]"));
}

TEST_CASE("parked greenlet: one that fails raises what it was given, in its turn") {
  begin();
  const Object error(value_of("KeyError('given')"));
  PyDict_SetItemString(names(), "error", error);
  parked()->fail(error);
  CHECK(holds("order == []"));
  run("waiting.join(30)");
  CHECK(holds("order == [error]"));
  CHECK(line.empty());
}

TEST_CASE("parked greenlet: it runs a handler in the middle of its wait, which goes on") {
  begin();
  run("gevent.spawn(interrupt).join(30)");
  CHECK(holds("order == [(True, 10, 'wait')]"));
  CHECK(line.front() == parked());
  line.wake_one();
  run("waiting.join(30)");
  CHECK(holds("order[1:] == [1]"));
}

TEST_CASE("parked greenlet: what the handler raises ends the wait") {
  begin();
  run("def handler(number, frame): raise KeyError(number)\ngevent.spawn(interrupt).join(30)\nwaiting.join(30)");
  CHECK(holds("[error.args for error in order] == [(10,)]"));
  CHECK(line.empty());
}
