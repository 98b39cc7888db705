#include "python/wait/parking.h"

#include "python/hub/hub_state.h"
#include "python/interpreter.h"
#include "python/wait/named_wait.h"
#include "sync/waiter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue line;
WaitQueue named_line;

PyObject* outcome_of(Parked parked) { return parked == kFailed ? nullptr : PyLong_FromLong(parked); }
PyObject* wait_here(PyObject*, PyObject*) { return outcome_of(park_in(line, -1)); }
PyObject* wait_first(PyObject*, PyObject*) { return outcome_of(park_first_in(line, -1)); }
PyObject* wait_shortly(PyObject*, PyObject*) { return outcome_of(park_in(line, 0.001)); }
PyObject* wait_for_three(PyObject*, PyObject*) {
  const Object three = PyLong_FromLong(3);
  return outcome_of(park_named_in(three, named_line, -1, nullptr));
}
PyObject* wake_one(PyObject*, PyObject*) { return PyBool_FromLong(line.wake_one() ? 1 : 0); }
PyObject* is_empty(PyObject*, PyObject*) { return PyBool_FromLong(line.empty() ? 1 : 0); }

void define_all() {
  define("wait_here", wait_here);
  define("wait_first", wait_first);
  define("wait_shortly", wait_shortly);
  define("wait_for_three", wait_for_three);
  define("wake_one", wake_one);
  define("is_empty", is_empty);
  run("import gevent");
}

}  // namespace

TEST_CASE("parking: greenlets are woken in the order in which they came, but for who goes to the front") {
  define_all();
  run(R"(
order = []
def wait(name, how): how(); order.append(name)
waiting = [gevent.spawn(wait, *each) for each in (("a", wait_here), ("b", wait_here), ("c", wait_first))]
gevent.sleep(0)
while wake_one(): pass
gevent.joinall(waiting, timeout=30)
)");
  CHECK(holds("order == ['c', 'a', 'b']"));
  CHECK(line.empty());
}

TEST_CASE("parking: a wait with a limit ends by itself, and leaves the line") {
  define_all();
  CHECK(holds("wait_shortly() == 0"));
  CHECK(line.empty());
}

TEST_CASE("parking: a greenlet that is killed leaves the line, and what it waited for goes to the next") {
  define_all();
  run(R"(
first, second = gevent.spawn(wait_here), gevent.spawn(wait_here)
gevent.sleep(0)
first.kill(timeout=30)
wake_one()
second.join(30)
)");
  CHECK(holds("second.value == 1 and is_empty()"));
}

TEST_CASE("parking: in the hub nobody may wait") {
  define_all();
  run(R"(
from gevent.exceptions import BlockingSwitchOutError
seen = []
def callback():
    try: wait_here()
    except BlockingSwitchOutError: seen.append(is_empty())
gevent.get_hub().loop.run_callback(callback)
gevent.sleep(0)
)");
  CHECK(holds("seen == [True]"));
}

TEST_CASE("parking: where nothing can end the wait, LoopExit says for what it was") {
  define_all();
  run(R"(
from gevent.exceptions import LoopExit
try: wait_for_three()
except LoopExit as error: waiting_for = error.waiting_for
)");
  CHECK(holds("waiting_for == 3"));
  CHECK(named_line.empty());
}
