#include "python/wait/job_wait.h"

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

JobQueue queue;
Job job;

// What a worker thread does: waits without a hub, and tells what it got.
PyObject* wait_in_thread(PyObject*, PyObject*) {
  Job* const got = wait_for_job(queue, 60);
  return PyErr_Occurred() != nullptr ? nullptr : PyBool_FromLong(got == &job ? 1 : 0);
}
PyObject* push(PyObject*, PyObject*) {
  queue.push(job);
  Py_RETURN_NONE;
}
PyObject* is_inhabited(PyObject*, PyObject*) { return PyBool_FromLong(hub_is_inhabited() ? 1 : 0); }

void begin() {
  define("wait_in_thread", wait_in_thread);
  define("push", push);
  define("is_inhabited", is_inhabited);
  run(R"(
import gevent, gevent.event
from gevent.monkey import get_original
start_new_thread = get_original("_thread", "start_new_thread")
found = []
def in_thread(what):
    loop = gevent.get_hub().loop
    ended = gevent.event.Event()
    def work():
        try: found.append(what())
        finally: loop.run_callback_threadsafe(ended.set)
    start_new_thread(work, ())
    return ended
)");
}

}  // namespace

TEST_CASE("job wait: what is there is taken at once, and a wait without time finds nothing") {
  queue.push(job);
  CHECK(wait_for_job(queue, 60) == &job);
  CHECK(wait_for_job(queue, 0) == nullptr);
  CHECK(PyErr_Occurred() == nullptr);
}

TEST_CASE("job wait: a thread sleeps until there is a job") {
  begin();
  run("ended = in_thread(wait_in_thread)\npush()\nended.wait(30)");
  CHECK(holds("found == [True]"));
}

TEST_CASE("job wait: a thread in whose hub something lives lets that run until then") {
  begin();
  run(R"(
def with_hub():
    ran = []
    def live():
        gevent.sleep(0)
        ran.append(is_inhabited())
        push()
    gevent.spawn(live)
    got = wait_in_thread()
    gevent.get_hub().destroy()
    return got, ran
ended = in_thread(with_hub)
ended.wait(30)
)");
  CHECK(holds("found[0][0] and len(found[0][1]) == 1"));
}
