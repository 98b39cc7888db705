#include "python/wait/descriptor_set.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "base/owned_fd.h"
#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

OwnedFd reading, writing;

void new_pipe() {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  reading = OwnedFd(ends[0]);
  writing = OwnedFd(ends[1]);
}

std::unique_ptr<DescriptorSet> set_of_reading() {
  auto set = std::make_unique<DescriptorSet>();
  set->add(reading.get(), POLLIN, POLLIN | POLLHUP | POLLERR);
  return set;
}

// How many are ready after a wait, and as what; from Python, in a greenlet.
PyObject* wait_for_reading(PyObject*, PyObject*) {
  const auto set = set_of_reading();
  const int count = set->wait(60);
  return count < 0 ? nullptr : Py_BuildValue("(ii)", count, static_cast<int>(set->revents(0)));
}
PyObject* put(PyObject*, PyObject*) { return PyLong_FromSsize_t(::write(writing.get(), "x", 1)); }
PyObject* reading_fd(PyObject*, PyObject*) { return PyLong_FromLong(reading.get()); }

void begin_waiting() {
  new_pipe();
  define("wait_for_reading", wait_for_reading);
  define("put", put);
  define("reading_fd", reading_fd);
  run("import gevent, gevent.os, select\nwaiting = gevent.spawn(wait_for_reading)\ngevent.sleep(0)");
}

}  // namespace

TEST_CASE("descriptor set: a look says what poll(2) says, and waits for nothing") {
  new_pipe();
  DescriptorSet set;
  CHECK(set.poll_now() == 0);
  set.add(reading.get(), POLLIN, POLLIN);
  set.add(writing.get(), POLLOUT, POLLOUT);
  set.add(reading.get(), POLLIN, POLLIN);
  CHECK(set.poll_now() == 1);
  CHECK_FALSE(set.ready(0));
  CHECK((set.ready(1) && set.revents(1) == POLLOUT));
  REQUIRE(::write(writing.get(), "x", 1) == 1);
  CHECK(set.poll_now() == 3);
  set.clear();
  CHECK(set.size() == 0);
}

TEST_CASE("descriptor set: what is no open descriptor is ready, whatever was asked of it") {
  DescriptorSet set;
  set.add(1 << 20, POLLIN, 0);
  CHECK(set.poll_now() == 1);
  CHECK(set.revents(0) == POLLNVAL);
}

TEST_CASE("descriptor set: a wait ends in time") {
  new_pipe();
  const auto set = set_of_reading();
  CHECK(set->wait(0) == 0);
  CHECK(set->wait(0.001) == 0);
}

TEST_CASE("descriptor set: a wait ends when something comes, and others run until then") {
  begin_waiting();
  run("put()\nwaiting.join(30)");
  CHECK(holds("waiting.value == (1, select.POLLIN)"));
}

TEST_CASE("descriptor set: a wait ends when the descriptor is closed, whose number may be another file's by then") {
  begin_waiting();
  run("gevent.os.close(reading_fd())\ntaken = open(__import__('os').devnull)\nwaiting.join(30)");
  static_cast<void>(reading.release());
  CHECK(holds("waiting.value == (1, select.POLLNVAL)"));
  run("taken.close()");
}

TEST_CASE("descriptor set: a greenlet that is killed waits no more") {
  begin_waiting();
  run("waiting.kill(timeout=30)");
  CHECK(holds("waiting.dead"));
  CHECK(set_of_reading()->poll_now() == 0);
}
