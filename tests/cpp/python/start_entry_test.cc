#include "python/hub/start_entry.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

PyGreenlet* as_greenlet(PyObject* object) { return reinterpret_cast<PyGreenlet*>(object); }

// A raw greenlet below the hub that notes what it was started with.
PyObject* fresh_greenlet() {
  run(R"(
import gevent, greenlet
started = []
fresh = greenlet.greenlet(lambda *args, **kwargs: started.append((args, kwargs)), gevent.get_hub())
)");
  return value_of("fresh");
}

PyObject* notified = nullptr;
void note(PyObject* target) noexcept { notified = target; }

}  // namespace

TEST_CASE("start entry: a greenlet begins in its turn, and not before") {
  const Object fresh(fresh_greenlet());
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(fresh));
  static_cast<void>(start_soon(*current_loop(), as_greenlet(fresh)));
  CHECK(holds("started == []"));
  run("gevent.sleep(0)");
  CHECK(holds("started == [((), {})] and fresh.dead"));
  CHECK(Py_REFCNT(static_cast<PyObject*>(fresh)) == references);
}

TEST_CASE("start entry: a start that is taken back does not happen, and its reference is given back") {
  const Object fresh(fresh_greenlet());
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(fresh));
  Loop& loop = *current_loop();
  cancel_start(loop, start_soon(loop, as_greenlet(fresh)), as_greenlet(fresh));
  CHECK(Py_REFCNT(static_cast<PyObject*>(fresh)) == references);
  run("gevent.sleep(0)");
  CHECK(holds("started == []"));
}

TEST_CASE("start entry: arguments reach what is run") {
  const Object fresh(fresh_greenlet()), args(value_of("(1, 2)")), kwargs(value_of("{'x': 3}"));
  start_soon_with(*current_loop(), as_greenlet(fresh), args, kwargs);
  run("gevent.sleep(0)");
  CHECK(holds("started == [((1, 2), {'x': 3})]"));
}

TEST_CASE("start entry: a function is called from the hub, with a target that is kept until then") {
  const Object target(value_of("object()"));
  const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(target));
  notify_soon(*current_loop(), target, note);
  CHECK(notified == nullptr);
  CHECK(Py_REFCNT(static_cast<PyObject*>(target)) == references + 1);
  run("import gevent\ngevent.sleep(0)");
  CHECK(notified == static_cast<PyObject*>(target));
  CHECK(Py_REFCNT(static_cast<PyObject*>(target)) == references);
}
