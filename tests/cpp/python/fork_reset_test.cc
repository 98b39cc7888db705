#include "python/hub/fork_reset.h"

#include "python/forked.h"
#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

PyObject* abandon_hub = nullptr;  // the binding's, which lets go of what Python has of the hub besides

bool start_over() {
  const Object done(PyObject_CallNoArgs(abandon_hub));
  if (done == nullptr) return false;
  PyOS_AfterFork_Child();
  return true;
}

// In a child of whoever calls: whether that is home now, below the main greenlet, and has no hub.
PyObject* fork_and_look(PyObject*, PyObject*) {
  return PyLong_FromLong(in_child([] {
    return home_greenlet() == nullptr && start_over() && hub_state() == nullptr &&
           reinterpret_cast<PyObject*>(home_greenlet()) == running_greenlet() &&
           holds("greenlet.getcurrent() is main or greenlet.getcurrent().parent is main") &&
           holds("gevent.sleep(0) is None and gevent.get_hub() is not hub");
  }));
}

PyObject* fork_and_fail(PyObject*, PyObject*) {
  return PyLong_FromLong(in_child([] { return abandon_hub_after_fork() == -1 && raised(PyExc_RuntimeError); }));
}

bool abandoned_when_called = false;

void begin() {
  define("fork_and_look", fork_and_look);
  define("fork_and_fail", fork_and_fail);
  static PyObject* const function = value_of("__import__('gevent._native.hub')._native.hub.abandon_hub");
  abandon_hub = function;
  run("import gc, gevent, greenlet\nmain, hub = greenlet.getcurrent(), gevent.get_hub()\nfound = []");
}

}  // namespace

TEST_CASE("fork reset: a child has no hub, and who forked is home, be it the main greenlet or another") {
  begin();
  CHECK(holds("fork_and_look() == 0"));
  run("forking = gevent.spawn(fork_and_look)\nforking.join(30)");
  CHECK(holds("forking.value == 0"));
  CHECK(home_greenlet() == nullptr);
}

TEST_CASE("fork reset: nothing of the parent's runs in a child, and what is suspended is not unwound") {
  begin();
  run(R"(
def sleep(name):
    try: gevent.sleep(0.001); found.append(name)
    finally: found.append(name + "'s end")
sleeping = gevent.spawn(sleep, "sleeper")
gevent.sleep(0)
hub.loop.run_callback(found.append, "callback")
timer = hub.loop.timer(0.001)
timer.start(found.append, "timer")
)");
  CHECK(in_child([] {
          if (!start_over()) return false;
          run("del sleeping, timer, hub\ngc.collect()\ngevent.sleep(0.01)\ngc.collect()");
          return holds("found == []");
        }) == 0);
  run("sleeping.join(30)");
  CHECK(holds("\"sleeper's end\" in found"));
}

TEST_CASE("fork reset: the hub itself cannot start over") {
  begin();
  run("hub.loop.run_callback(lambda: found.append(fork_and_fail()))\ngevent.sleep(0)");
  CHECK(holds("found == [0]"));
}

TEST_CASE("fork reset: who asked for it is called, once the loops are abandoned") {
  begin();
  call_when_abandoned([]() noexcept { abandoned_when_called = hub_state()->loop->abandoned(); });
  CHECK(in_child([] { return start_over() && abandoned_when_called; }) == 0);
  CHECK_FALSE(abandoned_when_called);
  CHECK_FALSE(hub_state()->loop->abandoned());
}
