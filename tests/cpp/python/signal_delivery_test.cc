#include "python/hub/signal_delivery.h"

#include "python/interpreter.h"
#include "python/wait/parking.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// What Python does where a signal arrives: `handler` is for 10.
PyObject* deliver(PyObject*, PyObject*) {
  const Object handler(value_of("handler")), number(PyLong_FromLong(10)), frame(value_of("'a frame'"));
  return deliver_signal(handler, number, frame);
}

PyObject* wait_for_handlers(PyObject*, PyObject*) {
  const Parked parked = park_in(waiting_for_signal_handlers(), 30);
  return parked == kFailed ? nullptr : PyLong_FromLong(parked);
}

void begin() {
  define("deliver", deliver);
  define("wait_for_handlers", wait_for_handlers);
  run(R"(
import gevent, gevent.event, greenlet
hub, main = gevent.get_hub(), greenlet.getcurrent()
order = []
class Stop(Exception): pass
def handler(number, frame): order.append((number, greenlet.getcurrent(), frame))
def raising(number, frame): raise Stop(number)
)");
}

}  // namespace

TEST_CASE("signal delivery: in the main greenlet the handler runs at once, and raises there") {
  begin();
  run("deliver()");
  CHECK(holds("order == [(10, main, 'a frame')]"));
  run("handler = raising\ntry: deliver()\nexcept Stop: order.append('raised')");
  CHECK(holds("order[1:] == ['raised']"));
}

TEST_CASE("signal delivery: a greenlet is interrupted by the main one, which waits on, and goes on before others") {
  begin();
  run(R"(
def work():
    deliver()
    order.append("work goes on")
    done.set()
done = gevent.event.Event()
gevent.spawn(work)
gevent.spawn(order.append, "another")
waited = done.wait(30)
gevent.sleep(0)
)");
  CHECK(holds("order == [(10, main, 'a frame'), 'work goes on', 'another'] and waited"));
}

TEST_CASE("signal delivery: what the handler raises ends the main greenlet's wait, not the greenlet's work") {
  begin();
  run(R"(
handler = raising
working = gevent.spawn(lambda: deliver() or "goes on")
try: gevent.event.Event().wait(30)
except Stop: order.append("raised")
working.join(30)
)");
  CHECK(holds("order == ['raised'] and working.value == 'goes on'"));
}

TEST_CASE("signal delivery: the hub has the main greenlet call it, with the frame in which that waits") {
  begin();
  run(R"(
done = gevent.event.Event()
def callback():
    deliver()
    done.set()
hub.loop.run_callback(callback)
done.wait(30)
)");
  CHECK(holds("[each[:2] for each in order] == [(10, main)] and order[0][2] != 'a frame'"));
}

TEST_CASE("signal delivery: where the main greenlet does not wait by parking, the hub starts a greenlet for it") {
  begin();
  run(R"(
hub.loop.run_callback(deliver)
hub.loop.run_callback(main.switch)
hub.switch()
)");
  CHECK(holds("len(order) == 1 and order[0][1] not in (main, hub)"));
  run(R"(
handler = raising
hub.loop.run_callback(deliver)
try: hub.switch()
except Stop: order.append("raised")
)");
  CHECK(holds("order[1:] == ['raised']"));
}

TEST_CASE("signal delivery: below the hub it runs right there then, and what it raises is the main greenlet's") {
  begin();
  run(R"(
working = gevent.spawn(lambda: (deliver(), hub.loop.run_callback(main.switch)))
hub.switch()
)");
  CHECK(holds("order == [(10, working, 'a frame')]"));
  run(R"(
handler = raising
working = gevent.spawn(lambda: deliver() or "goes on")
try: hub.switch()
except Stop: order.append("raised")
working.join(30)
)");
  CHECK(holds("order[1:] == ['raised'] and working.value == 'goes on'"));
}

TEST_CASE("signal delivery: who waits for any handler is woken after one, even one that raises") {
  for (const char* which : {"pass", "handler = raising"}) {
    begin();
    run("waiting = gevent.spawn(wait_for_handlers)\ngevent.sleep(0)");
    run(which);
    const Object handler(value_of("handler")), number(PyLong_FromLong(10));
    const Object result(call_signal_handler(handler, number, Py_None));
    CHECK((result == nullptr) == (PyErr_Occurred() != nullptr));
    PyErr_Clear();
    CHECK(waiting_for_signal_handlers().empty());
    run("waiting.join(30)");
    CHECK(holds("waiting.value == 1"));
  }
}

TEST_CASE("signal delivery: what is held back comes when it is released, or when its greenlet waits") {
  begin();
  run(R"(
from gevent._native import signal as native
held = native.hold_handlers()
deliver()
none_yet = order == []
again = native.hold_handlers()
native.release_handlers()
)");
  CHECK(holds("held and none_yet and not again and order == [(10, main, 'a frame')]"));
  run(R"(
del order[:]
native.hold_handlers()
deliver()
gevent.sleep(0)
in_wait = len(order)
deliver()
still_held = len(order)
native.release_handlers()
)");
  CHECK(holds("(in_wait, still_held, len(order)) == (1, 1, 2)"));
}

TEST_CASE("signal delivery: a handler that was held back ends the wait that it comes in by what it raises") {
  begin();
  run(R"(
from gevent._native import signal as native
def put_and_raise(number, frame):
    done.set()
    raise Stop
handler, done = put_and_raise, gevent.event.Event()
native.hold_handlers()
deliver()
try: done.wait(30)
except Stop: order.append("raised")
native.release_handlers()
)");
  CHECK(holds("order == ['raised'] and done.wait(0)"));
}

TEST_CASE("signal delivery: nothing is held back for a handler, nor for a greenlet that none would interrupt") {
  begin();
  run(R"(
from gevent._native import signal as native
def delivering(number, frame):
    global handler
    handler = globals()["noting"]
    deliver()
    order.append("after it")
def noting(number, frame): order.append("second")
handler = delivering
native.hold_handlers()
deliver()
native.call_kept_handlers()
native.release_handlers()
)");
  CHECK(holds("order == ['second', 'after it']"));
  CHECK(holds("gevent.spawn(native.hold_handlers).get() is False"));
}
