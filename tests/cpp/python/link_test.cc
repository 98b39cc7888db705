#include "python/wait/link.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue queue;
PyObject* wake_links(PyObject*, PyObject*) {
  queue.wake_all();
  Py_RETURN_NONE;
}

// Only the hub may wake links.
void wake_in_hub() {
  define("wake_links", wake_links);
  run("import gevent\ngevent.get_hub().loop.run_callback(wake_links)\ngevent.sleep(0)");
}

}  // namespace

TEST_CASE("link: its callback is called once, with the source, in the order of the line") {
  run("called = []\ndef one(source): called.append((1, source))\ndef two(source): called.append((2, source))");
  const Object one = value_of("one"), two = value_of("two"), source = value_of("'it'");
  Link::add(queue, source, one);
  Link::add(queue, source, two);
  CHECK(Link::count(queue) == 2);
  wake_in_hub();
  CHECK(holds("called == [(1, 'it'), (2, 'it')]"));
  CHECK(queue.empty());
  wake_in_hub();
  CHECK(holds("len(called) == 2"));
}

TEST_CASE("link: one is removed by an equal callback, others stay") {
  const Object one = value_of("one"), two = value_of("two"), source = value_of("'it'");
  for (PyObject* each : {static_cast<PyObject*>(one), static_cast<PyObject*>(two), static_cast<PyObject*>(one)}) {
    Link::add(queue, source, each);
  }
  CHECK(Link::remove(queue, one) == 1);
  CHECK(Link::count(queue) == 2);
  CHECK(Link::remove(queue, source) == 0);
  Link::remove_all(queue);
  CHECK(queue.empty());
}

TEST_CASE("link: what a callback raises goes to the hub, and the next is called") {
  run(R"(
called, reported = [], []
hub = gevent.get_hub()
hub.handle_error = lambda context, *error: reported.append((context, error[0]))
def bad(source): raise KeyError(source)
)");
  const Object bad = value_of("bad"), one = value_of("one"), source = value_of("'it'");
  Link::add(queue, source, bad);
  Link::add(queue, source, one);
  wake_in_hub();
  run("del hub.handle_error");
  CHECK(holds("called == [(1, 'it')] and reported == [((bad, 'it'), KeyError)]"));
}
