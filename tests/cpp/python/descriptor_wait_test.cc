#include "python/wait/descriptor_wait.h"

#include <unistd.h>

#include <array>

#include "python/interpreter.h"
#include "python/pipe.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

Pipe* current = nullptr;
PyObject* outcome_of(Parked parked) { return parked == kFailed ? nullptr : PyLong_FromLong(parked); }
PyObject* wait_to_read(PyObject*, PyObject*) {
  return outcome_of(wait_for_descriptor(current->reading.get(), kRead, 60));
}
PyObject* wait_for_both(PyObject*, PyObject*) {
  std::array<AwaitedDescriptor, 1> all{{{current->reading.get(), kRead}}};
  const Parked parked = wait_for_any(all, 60);
  return parked == kFailed ? nullptr : PyBool_FromLong(all[0].ready ? 1 : 0);
}
PyObject* put(PyObject*, PyObject*) { return PyLong_FromSsize_t(::write(current->writing.get(), "x", 1)); }
PyObject* about_to_close(PyObject*, PyObject*) {
  end_descriptor_waits(current->reading.get());
  Py_RETURN_NONE;
}
PyObject* look_again(PyObject*, PyObject*) {
  look_again_at_descriptor(current->reading.get());
  Py_RETURN_NONE;
}

void begin(Pipe& pipe) {
  current = &pipe;
  define("wait_to_read", wait_to_read);
  define("wait_for_both", wait_for_both);
  define("put", put);
  define("about_to_close", about_to_close);
  define("look_again", look_again);
  run("import errno, gevent\ndef spawned(how):\n    made = gevent.spawn(how)\n    gevent.sleep(0)\n    return made");
}

}  // namespace

TEST_CASE("descriptor wait: any number of greenlets may wait for one, and all hear of what comes") {
  Pipe pipe;
  begin(pipe);
  run("waiting = [spawned(how) for how in (wait_to_read, wait_to_read, wait_for_both)]\nput()");
  run("gevent.joinall(waiting, timeout=30)");
  CHECK(holds("[each.value for each in waiting] == [1, 1, True]"));
}

TEST_CASE("descriptor wait: closing ends all waits with an error") {
  Pipe pipe;
  begin(pipe);
  run(R"(
def code(wait):
    try: wait()
    except OSError as error: return error.errno
waiting = [spawned(lambda: code(wait_to_read)) for _ in range(2)]
about_to_close()
gevent.joinall(waiting, timeout=30)
)");
  CHECK(holds("[each.value for each in waiting] == [errno.EBADF] * 2"));
}

TEST_CASE("descriptor wait: who waits for several may be asked to look again, and finds nothing marked") {
  Pipe pipe;
  begin(pipe);
  run("waiting = spawned(wait_for_both)\nlook_again()\nwaiting.join(30)");
  CHECK(holds("waiting.value is False"));
}

TEST_CASE("descriptor wait: time ends a wait, and a look without time finds what is there") {
  const Pipe pipe;
  CHECK(wait_for_descriptor(pipe.reading.get(), kRead, 0.001) == kTimedOut);
  std::array<AwaitedDescriptor, 2> all{{{pipe.reading.get(), kRead}, {pipe.writing.get(), kWrite}}};
  CHECK(wait_for_any(all, 0) == kWoken);
  CHECK((!all[0].ready && all[1].ready));
  std::array<AwaitedDescriptor, 1> one{{{pipe.reading.get(), kRead}}};
  CHECK(wait_for_any(one, 0) == kTimedOut);
  std::array<AwaitedDescriptor, 1> none{{{1 << 20, kRead}}};
  CHECK(wait_for_any(none, 0) == kWoken);
  CHECK(none[0].ready);
}
