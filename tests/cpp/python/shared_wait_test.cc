#include "python/wait/shared_wait.h"

#include <sys/wait.h>
#include <unistd.h>

#include "python/interpreter.h"
#include "python/wait/known_arenas.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

std::shared_ptr<SharedArena> make_arena() {
  auto made = SharedArena::create();
  REQUIRE(made.ok());
  return std::move(made).value();
}

SharedSemaphore* semaphore = nullptr;
PyObject* wait_for_it(PyObject*, PyObject*) {
  const Parked parked = wait_for_unit(*semaphore, 60);
  return parked == kFailed ? nullptr : PyLong_FromLong(parked);
}
PyObject* give(PyObject*, PyObject*) { return PyBool_FromLong(semaphore->release(100) ? 1 : 0); }

void begin(SharedSemaphore& it) {
  semaphore = &it;
  define("wait_for_it", wait_for_it);
  define("give", give);
  run("import gevent\ndef spawned(how):\n    made = gevent.spawn(how)\n    gevent.sleep(0)\n    return made");
}

}  // namespace

TEST_CASE("shared wait: a greenlet gets the unit that another one gives") {
  const auto arena = make_arena();
  SharedSemaphore it(arena, arena->allocate(0).value());
  begin(it);
  run("waiting = [spawned(wait_for_it) for _ in range(2)]\ngive()\ngive()\ngevent.joinall(waiting, timeout=30)");
  CHECK(holds("[each.value for each in waiting] == [1, 1]"));
  CHECK(it.value() == 0);
}

TEST_CASE("shared wait: another process gives one") {
  const auto arena = make_arena();
  SharedSemaphore it(arena, arena->allocate(0).value());
  begin(it);
  run("waiting = spawned(wait_for_it)");
  arena->before_fork();
  const pid_t child = ::fork();
  if (child == 0) {
    arena->after_fork_in_child();
    ::_exit(it.release(100) ? 0 : 1);
  }
  arena->after_fork_in_parent();
  run("waiting.join(30)");
  CHECK(holds("waiting.value == 1"));
  int status = -1;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("shared wait: who is killed takes nothing, and the next in line gets the unit") {
  const auto arena = make_arena();
  SharedSemaphore it(arena, arena->allocate(0).value());
  begin(it);
  run("waiting = [spawned(wait_for_it) for _ in range(2)]\nwaiting[0].kill(timeout=30)\ngive()\nwaiting[1].join(30)");
  CHECK(holds("waiting[0].dead and waiting[1].value == 1"));
}

TEST_CASE("shared wait: time ends a wait") {
  const auto arena = make_arena();
  SharedSemaphore it(arena, arena->allocate(0).value());
  CHECK(wait_for_unit(it, 0.001) == kTimedOut);
  CHECK(it.line.empty());
}

TEST_CASE("known arenas: the lines of all that are used are forgotten, and no others are kept") {
  auto arena = make_arena();
  const std::weak_ptr<SharedArena> seen = arena;
  remember_arena(arena);
  {
    SharedSemaphore it(arena, arena->allocate(0).value());
    forget_all_lines();  // nobody stands there
    CHECK(arena->waiting.empty());
  }
  arena.reset();
  CHECK(seen.expired());
  forget_all_lines();
}
