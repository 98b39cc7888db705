#include "python/wait/join_set.h"

#include <memory>

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue ends[3];
PyObject* end_zero(PyObject*, PyObject*) {
  ends[0].wake_all();
  Py_RETURN_NONE;
}
PyObject* end_two(PyObject*, PyObject*) {
  ends[2].wake_all();
  Py_RETURN_NONE;
}

PyObject* join(std::size_t needed, double timeout_s) {
  PyObject* done = PyList_New(0);
  const Object names[] = {value_of("'zero'"), value_of("'one'"), value_of("'two'")};
  const auto set = std::make_unique<JoinSet>(done);  // others reach it while this stack is copied away
  for (int i = 0; i < 3; ++i) set->add(ends[i], names[i]);
  if (set->wait(needed, timeout_s) == kFailed) Py_CLEAR(done);
  return done;
}
PyObject* join_two(PyObject*, PyObject*) { return join(2, -1); }
PyObject* join_shortly(PyObject*, PyObject*) { return join(2, 0.001); }

}  // namespace

TEST_CASE("join set: as many as are needed end the wait, first ended first") {
  define("end_zero", end_zero);
  define("end_two", end_two);
  define("join_two", join_two);
  run(R"(
import gevent
joiner = gevent.spawn(join_two)
gevent.sleep(0)
end_two()
gevent.sleep(0)
waiting = not joiner.ready()
end_zero()
joiner.join(30)
)");
  CHECK(holds("waiting and joiner.value == ['two', 'zero']"));
  for (const WaitQueue& each : ends) CHECK(each.empty());
}

TEST_CASE("join set: when time is over those are told that have ended, and every line is left") {
  define("join_shortly", join_shortly);
  run("joiner = gevent.spawn(join_shortly)\ngevent.sleep(0)\nend_zero()\njoiner.join(30)");
  CHECK(holds("joiner.value == ['zero']"));
  for (const WaitQueue& each : ends) CHECK(each.empty());
}

TEST_CASE("join set: a joiner that is killed leaves every line") {
  run("joiner = gevent.spawn(join_two)\ngevent.sleep(0)\njoiner.kill(timeout=30)");
  CHECK(holds("joiner.dead"));
  for (const WaitQueue& each : ends) CHECK(each.empty());
}
