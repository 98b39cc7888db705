#include "python/wait/callback_link.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue queue;
bool there = true;
bool is_there(PyObject*) { return there; }

// A source with a list of links, in a new life of the test's names.
void begin() {
  there = true;
  run(R"(
import gevent
hub, links, called = gevent.get_hub(), [], []
def one(source): called.append(1)
def two(source): called.append(2)
def bad(source): raise KeyError(source)
)");
}

int add(const char* callback, bool soon, StillThere still_there = nullptr) {
  const Object links(value_of("links")), source(value_of("'it'")), function(value_of(callback)), hub(value_of("hub"));
  return add_link(links, source, function, hub, queue, soon, still_there);
}

Py_ssize_t on_their_way() { return links_on_their_way(Object(value_of("links"))); }

}  // namespace

TEST_CASE("callback link: one that was woken is called from the hub, once") {
  begin();
  CHECK((add("one", false) == 0 && add("two", false) == 0));
  CHECK(on_their_way() == 0);
  queue.wake_all();
  CHECK(queue.empty());
  CHECK(on_their_way() == 2);
  CHECK(holds("called == []"));
  run("gevent.sleep(0)");
  CHECK(holds("called == [1, 2] and links == []"));
  run("gevent.sleep(0)");
  CHECK(holds("called == [1, 2]"));
}

TEST_CASE("callback link: one for what has happened already is called soon, and stands in no line") {
  begin();
  CHECK(add("one", true) == 0);
  CHECK(queue.empty());
  CHECK(holds("called == []"));
  run("gevent.sleep(0)");
  CHECK(holds("called == [1]"));
}

TEST_CASE("callback link: one is forgotten in line and on its way") {
  begin();
  CHECK((add("one", false) == 0 && add("one", true) == 0 && add("two", false) == 0));
  const Object links(value_of("links")), one(value_of("one")), hub(value_of("hub"));
  CHECK(remove_link(links, one) == 1);
  CHECK(remove_link(links, one) == 1);
  CHECK(remove_link(links, one) == 0);
  queue.wake_all();
  run("gevent.sleep(0)");
  CHECK(holds("called == [2]"));
}

TEST_CASE("callback link: who finds that somebody was faster goes back to the front of the line") {
  begin();
  CHECK((add("one", false, is_there) == 0 && add("two", false, is_there) == 0));
  CHECK(queue.wake_one());
  there = false;
  run("gevent.sleep(0)");
  CHECK(holds("called == []"));
  there = true;
  CHECK(queue.wake_one());
  run("gevent.sleep(0)");
  CHECK(holds("called == [1]"));
  queue.wake_all();
  run("gevent.sleep(0)");
  CHECK(holds("called == [1, 2]"));
}

TEST_CASE("callback link: what a callback raises goes to the hub, with callback and source") {
  begin();
  run("reported = []\nhub.handle_error = lambda context, *error: reported.append((context, error[0]))");
  CHECK(add("bad", true) == 0);
  run("gevent.sleep(0)\ndel hub.handle_error");
  CHECK(holds("reported == [((bad, 'it'), KeyError)]"));
}

TEST_CASE("callback link: one in line goes with the list that it is in") {
  begin();
  CHECK(add("one", false) == 0);
  CHECK_FALSE(queue.empty());
  run("del links");
  CHECK(queue.empty());
}

TEST_CASE("callback link: it is called in the thread's hub, and what cannot be called is refused") {
  begin();
  const Object one(value_of("one")), hub(value_of("hub")), found(hub_for_link(one, Py_None)),
      other(value_of("object()"));
  CHECK(static_cast<PyObject*>(found) == static_cast<PyObject*>(hub));
  const Object still(hub_for_link(one, other));  // this thread has one of its own
  CHECK(static_cast<PyObject*>(still) == static_cast<PyObject*>(hub));
  CHECK(hub_for_link(other, Py_None) == nullptr);
  CHECK(raised(PyExc_TypeError));
}
