#include "python/wait/line_parking.h"

#include "python/interpreter.h"
#include "python/native_thread.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

Line line;
int units = 0;

// Waits for a unit, as bindings do.
PyObject* take(PyObject*, PyObject*) {
  const Object object(value_of("object_of_wait"));
  LineWait wait;
  wait.enter(line, 30);
  for (;;) {
    const Parked parked = park_in_line(object, wait);
    wait.arrive();
    if (parked == kFailed) return nullptr;
    if (units == 0) continue;
    --units;
    return PyLong_FromLong(parked);
  }
}

void begin() {
  units = 0;
  define("take", take);
  run(R"(
import gevent
order, object_of_wait = [], "it"
def wait(name): order.append((name, take()))
waiting = [gevent.spawn(wait, name) for name in "ab"]
gevent.sleep(0)
)");
}

}  // namespace

TEST_CASE(
    "line parking: the line is first come, first served, and who was woken in vain keeps the place at its front") {
  begin();
  CHECK(line.waiting() == 2);
  line.queue.wake_one();
  run("gevent.sleep(0)");  // there is nothing
  CHECK(holds("order == []"));
  units = 1;
  line.queue.wake_one();
  run("waiting[0].join(30)");
  CHECK(holds("order == [('a', 1)]"));
  units = 1;
  line.queue.wake_one();
  run("waiting[1].join(30)");
  CHECK(holds("order[1:] == [('b', 1)]"));
  CHECK(line.empty());
}

TEST_CASE("line parking: time is over as a whole, not for each round") {
  const Object object(value_of("'it'"));
  LineWait wait;
  wait.enter(line, 0.001);
  CHECK(park_in_line(object, wait) == kTimedOut);
  wait.arrive();
  CHECK(wait.left() == 0);
  wait.leave();
  CHECK(line.empty());
}

TEST_CASE("line parking: a LoopExit names what was waited for, be it a greenlet or a thread that waits") {
  run("from gevent.exceptions import LoopExit\nobject_of_wait = object()");
  const Object object(value_of("object_of_wait"));
  for (const auto park : {&park_in_line, &park_thread_in_line}) {
    LineWait wait;
    wait.enter(line, -1);
    CHECK(park(object, wait) == kFailed);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyDict_SetItemString(names(), "error", error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    CHECK(holds("isinstance(error, LoopExit) and error.waiting_for is object_of_wait"));
  }
  run("del error");
}

TEST_CASE("line parking: a thread without a hub stands in the same line") {
  Parked outcome = kFailed;
  NativeThread thread([&] {
    LineWait wait;
    wait.enter(line, 30);
    outcome = park_thread_in_line(Py_None, wait);
    wait.arrive();
  });
  let_threads_run_until([] { return line.queue.front() != nullptr; });
  CHECK(line.waiting() == 1);
  line.queue.wake_one();
  thread.join();
  CHECK((outcome == kWoken && line.empty()));
}
