#include "python/wait/semaphore_wait.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

Semaphore semaphore(0);

PyObject* outcome_of(Parked parked) { return parked == kFailed ? nullptr : PyLong_FromLong(parked); }
PyObject* draw(PyObject*, PyObject*) { return outcome_of(draw_unit(Py_None, semaphore, -1, true)); }
PyObject* draw_shortly(PyObject*, PyObject*) { return outcome_of(draw_unit(Py_None, semaphore, 0.001, true)); }
PyObject* look(PyObject*, PyObject*) { return outcome_of(draw_unit(Py_None, semaphore, -1, false)); }
PyObject* give(PyObject*, PyObject*) {
  semaphore.release();
  Py_RETURN_NONE;
}
PyObject* grab(PyObject*, PyObject*) { return PyBool_FromLong(semaphore.try_acquire() ? 1 : 0); }

void begin() {
  semaphore.set_count(0);
  define("draw", draw);
  define("draw_shortly", draw_shortly);
  define("look", look);
  define("give", give);
  define("grab", grab);
  run(R"(
import gevent
order = []
def spawned(name, how):
    def wait():
        order.append((name, how()))
    made = gevent.spawn(wait)
    gevent.sleep(0)
    return made
)");
}

}  // namespace

TEST_CASE("semaphore wait: units are drawn in the order of the line") {
  begin();
  run("waiting = [spawned(name, draw) for name in 'abc']\ngive()\ngive()\ngive()\ngevent.joinall(waiting, timeout=30)");
  CHECK(holds("order == [('a', 1), ('b', 1), ('c', 1)]"));
  CHECK(semaphore.count() == 0);
  CHECK(semaphore.line.empty());
}

TEST_CASE("semaphore wait: who finds that somebody was faster goes back to the front") {
  begin();
  run("waiting = [spawned(name, draw) for name in 'ab']\ngive()\ntaken = grab()\ngevent.sleep(0)");
  CHECK(holds("taken and order == []"));
  run("give()\nwaiting[0].join(30)");
  CHECK(holds("order == [('a', 1)]"));
  run("give()\nwaiting[1].join(30)");
  CHECK(holds("order == [('a', 1), ('b', 1)]"));
}

TEST_CASE("semaphore wait: who only looks leaves the unit to the next") {
  begin();
  run("waiting = [spawned('looks', look), spawned('draws', draw)]\ngive()\ngevent.joinall(waiting, timeout=30)");
  CHECK(holds("sorted(order) == [('draws', 1), ('looks', 1)]"));
  CHECK(semaphore.count() == 0);
}

TEST_CASE("semaphore wait: time ends a wait, and nothing is left of it") {
  begin();
  CHECK(holds("draw_shortly() == 0"));
  CHECK(semaphore.line.empty());
}

TEST_CASE("semaphore wait: who is killed after it was woken lets the next one have the unit") {
  begin();
  run("waiting = [spawned(name, draw) for name in 'ab']\ngevent.get_hub().loop.run_callback(waiting[0].throw)\ngive()");
  run("waiting[1].join(30)");
  CHECK(holds("waiting[0].dead and order == [('b', 1)]"));
  CHECK(semaphore.count() == 0);
}

TEST_CASE("semaphore wait: where nobody can give a unit, LoopExit says what was waited for") {
  begin();
  run(R"(
from gevent.exceptions import LoopExit
try: draw()
except LoopExit: gave_up = True
)");
  CHECK(holds("gave_up"));
  CHECK(semaphore.line.empty());
}
