#include "python/hub/hub_state.h"

#include "python/interpreter.h"
#include "python/wait/parking.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

PyObject* is_in_hub(PyObject*, PyObject*) { return PyBool_FromLong(in_hub() ? 1 : 0); }

}  // namespace

TEST_CASE("hub state: it is that of the thread's hub, whose loop is the one that Python shows") {
  HubState* const state = require_hub_state();
  REQUIRE(state != nullptr);
  CHECK(state == hub_state());
  const Object hub = current_hub(), same = value_of("__import__('gevent').get_hub()");
  CHECK(static_cast<PyObject*>(hub) == static_cast<PyObject*>(same));
  CHECK(reinterpret_cast<PyObject*>(state->greenlet) == static_cast<PyObject*>(hub));
  const Object loop = value_of("__import__('gevent').get_hub().loop");
  CHECK(state->loop == loop_of(loop));
  CHECK(current_loop() == state->loop);
}

TEST_CASE("hub state: what is no loop is refused") {
  const Object text = value_of("'loop'");
  CHECK(loop_of(text) == nullptr);
  CHECK(raised(PyExc_TypeError));
}

TEST_CASE("hub state: a callback is in the hub, a greenlet and the main one are not") {
  define("is_in_hub", is_in_hub);
  CHECK_FALSE(in_hub());
  run(R"(
import gevent
seen = []
gevent.get_hub().loop.run_callback(lambda: seen.append(is_in_hub()))
gevent.spawn(lambda: seen.append(is_in_hub())).join(30)
)");
  CHECK(holds("seen == [True, False]"));
}

TEST_CASE("hub state: gevent's exceptions are found by name, and others are none") {
  const Object loop_exit = value_of("__import__('gevent').exceptions.LoopExit");
  CHECK(gevent_exception("LoopExit") == static_cast<PyObject*>(loop_exit));
  CHECK(gevent_exception("NoSuchThing") == nullptr);
  CHECK(PyErr_Occurred() != nullptr);
  PyErr_Clear();
}
