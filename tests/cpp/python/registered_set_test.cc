#include "python/wait/registered_set.h"

#include <poll.h>

#include "python/interpreter.h"
#include "python/pipe.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

// What the program waits for in Python, in a greenlet of its own.
RegisteredSet* waited_for = nullptr;
PyObject* wait_long(PyObject*, PyObject*) {
  const int count = waited_for->wait(60);
  return count < 0 ? nullptr : PyLong_FromLong(count);
}

// A wait in one greenlet, in the middle of which another runs `meanwhile`, a call that is defined already.
bool waits_while(RegisteredSet& set, const char* meanwhile) {
  waited_for = &set;
  define("wait_long", wait_long);
  run("import gevent\nwaiting = gevent.spawn(wait_long)\ngevent.sleep(0)");
  run(meanwhile);
  run("waiting.join(30)");
  return holds("waiting.value == 1");
}

Pipe* told = nullptr;
PyObject* put_into_it(PyObject*, PyObject*) {
  told->put();
  Py_RETURN_NONE;
}
PyObject* reading_end(PyObject*, PyObject*) { return PyLong_FromLong(told->reading.get()); }

}  // namespace

TEST_CASE("registered set: a look finds what is ready, as often as it is asked") {
  RegisteredSet set;
  REQUIRE(set.open() == 0);
  const Pipe one, other;
  REQUIRE(set.add(one.reading.get(), POLLIN) == 0);
  REQUIRE(set.add(other.reading.get(), POLLIN) == 0);
  REQUIRE(set.add(other.writing.get(), POLLOUT) == 0);
  set.remove(other.writing.get());
  CHECK(set.look() == 0);
  one.put();
  for (int i = 0; i < 2; ++i) {
    CHECK(set.look() == 1);
    CHECK(set.reports()[0].fd == one.reading.get());
    CHECK(set.reports()[0].events == POLLIN);
  }
  set.remove(one.reading.get());
  CHECK(set.look() == 0);
  CHECK(set.wait(0.001) == 0);
}

TEST_CASE("registered set: a wait ends when something becomes ready") {
  RegisteredSet set;
  REQUIRE(set.open() == 0);
  Pipe pipe;
  told = &pipe;
  REQUIRE(set.add(pipe.reading.get(), POLLIN) == 0);
  define("put_into_it", put_into_it);
  CHECK(waits_while(set, "put_into_it()"));
  CHECK(set.reports()[0].fd == pipe.reading.get());
}

TEST_CASE("registered set: a wait ends when one is closed, which is reported as such") {
  RegisteredSet set;
  REQUIRE(set.open() == 0);
  Pipe pipe;
  told = &pipe;
  REQUIRE(set.add(pipe.reading.get(), POLLIN) == 0);
  define("reading_end", reading_end);
  CHECK(waits_while(set, "import gevent.os\ngevent.os.close(reading_end())"));
  CHECK(set.reports()[0].events == POLLNVAL);
  set.remove(pipe.reading.release());
}

TEST_CASE("registered set: a regular file is always ready, and what is no open descriptor is refused") {
  RegisteredSet set;
  REQUIRE(set.open() == 0);
  const Object file(value_of("open(__import__('sys').executable, 'rb')"));
  const int fd = PyObject_AsFileDescriptor(file);
  REQUIRE(set.add(fd, POLLIN) == 0);
  CHECK(set.look() == 1);
  CHECK(set.reports()[0].fd == fd);
  set.remove(fd);
  CHECK(set.look() == 0);
#ifdef __linux__
  CHECK(set.add(1 << 20, POLLIN) == -1);
  CHECK(raised(PyExc_OSError));
#endif
}

TEST_CASE("registered set: one that is closed cannot be asked") {
  RegisteredSet set;
  REQUIRE(set.open() == 0);
  set.close();
  CHECK(set.look() == -1);
  CHECK(raised(PyExc_ValueError));
}
