#include "python/hub/python_watchers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>

#include "python/hub/hub_state.h"
#include "python/interpreter.h"
#include "python/pipe.h"
#include "python/wait/parking.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

void on_event(Watcher&, int) noexcept {}
void on_other_event(Watcher&, int) noexcept {}

Py_ssize_t count_of(PyObject* list) { return PyList_GET_SIZE(list); }

}  // namespace

TEST_CASE("python watchers: the owners of those with one callback are found, and those alone") {
  const Object one(value_of("object()")), two(value_of("object()"));
  Loop& loop = *current_loop();
  WatcherRoom first_room, second_room;
  Watcher* const first = make_timer(first_room, loop, 1, 0, &on_event, static_cast<PyObject*>(one));
  Watcher* const second = make_timer(second_room, loop, 1, 0, &on_other_event, static_cast<PyObject*>(two));
  {
    const Object owners(owners_of_watchers(loop, &on_event));
    REQUIRE(owners != nullptr);
    CHECK(count_of(owners) == 1);
    CHECK(PyList_GET_ITEM(static_cast<PyObject*>(owners), 0) == static_cast<PyObject*>(one));
  }
  delete_watcher(first);
  delete_watcher(second);
  const Object none(owners_of_watchers(loop, &on_event));
  CHECK(count_of(none) == 0);
}

TEST_CASE("python watchers: whatever its kind, one is destroyed, and active ones are stopped before") {
  Loop& loop = *current_loop();
  const Pipe pipe;
  const int active = loop.facts().active;
  WatcherRoom io_room, timer_room;
  Watcher* const all[] = {
      make_io(io_room, loop, pipe.reading.get(), kRead, &on_event, nullptr),
      make_timer(timer_room, loop, 1, 0, &on_event, nullptr),
      new Signal(loop, 10, &on_event, nullptr),
      new Async(loop, &on_event, nullptr),
      new Fork(loop, &on_event, nullptr),
      new Prepare(loop, &on_event, nullptr),
      new Check(loop, &on_event, nullptr),
      new Idle(loop, &on_event, nullptr),
      new Stat(loop, "/", 1, &on_event, nullptr),
  };
  for (Watcher* const each : all) each->start();
  CHECK(loop.facts().active > active);
  for (Watcher* const each : all) delete_watcher(each);
  CHECK(loop.facts().active == active);
}

TEST_CASE("python watchers: a file's attributes are those of os.stat, and a file that is not there has none") {
  struct stat attributes;
  REQUIRE(::stat("/", &attributes) == 0);
  const Object found(stat_result(attributes));
  REQUIRE(found != nullptr);
  PyDict_SetItemString(names(), "found", found);
  run("import os\nexpected = os.stat('/')\nfields = [name for name in dir(expected) if name.startswith('st_')]");
  CHECK(holds(
      "[(name, getattr(found, name)) for name in fields] == [(name, getattr(expected, name)) for name in fields]"));
  attributes.st_nlink = 0;
  const Object missing(stat_result(attributes));
  CHECK(static_cast<PyObject*>(missing) == Py_None);
}

#ifdef GEVENT_HAVE_EVENTFD
TEST_CASE("python watchers: an eventfd adds up, and one that is full is an error rather than a wait") {
  const OwnedFd fd(make_eventfd(3, false));
  REQUIRE(fd.valid());
  CHECK(add_to_eventfd(fd.get(), 4) == 0);
  std::uint64_t value = 0;
  REQUIRE(::read(fd.get(), &value, sizeof value) == sizeof value);
  CHECK(value == 7);
  CHECK(add_to_eventfd(fd.get(), UINT64_MAX - 1) == 0);
  CHECK(add_to_eventfd(fd.get(), 1) == -1);
  CHECK(raised(PyExc_BlockingIOError));
}

TEST_CASE("python watchers: an eventfd's watcher has its value") {
  const OwnedFd fd(make_eventfd(5, false));
  static Watcher* rung = nullptr;
  Watcher* const watcher =
      make_eventfd_watcher(*current_loop(), fd.get(), [](Watcher& it, int) noexcept { rung = &it; }, nullptr);
  REQUIRE(watcher != nullptr);
  watcher->start();
  run("import gevent");
  for (int rounds = 0; rung == nullptr && rounds < 100; ++rounds) run("gevent.sleep(0.001)");
  CHECK(rung == watcher);
  CHECK(eventfd_value(*watcher) == 5);
  forget_eventfd(*watcher);
  CHECK_FALSE(watcher->active());
  delete_watcher(watcher);
}
#endif
