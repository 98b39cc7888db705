#include "python/wait/thread_parking.h"

#include <signal.h>

#include <cmath>

#include "python/interpreter.h"
#include "python/native_thread.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue line;

}  // namespace

TEST_CASE("thread parking: threads without a hub sleep until woken, first come, first served, and get none") {
  Parked first = kFailed, second = kFailed;
  bool should = false, has_hub = true;
  int cookie = 0;
  NativeThread one([&] {
    should = should_park_thread();
    first = park_thread_in(line, -1, &cookie);
    has_hub = hub_state() != nullptr;
  });
  let_threads_run_until([] { return line.front() != nullptr; });
  CHECK(line.front()->cookie == &cookie);
  NativeThread other([&] { second = park_thread_in(line, 30); });
  let_threads_run_until([] { return line.after(*line.front()) != nullptr; });
  CHECK(line.wake_one());
  one.join();
  CHECK((first == kWoken && should && !has_hub && !other.ended()));
  CHECK(line.wake_one());
  other.join();
  CHECK((second == kWoken && line.empty()));
  CHECK_FALSE(should_park_thread());  // this one has a hub
}

TEST_CASE("thread parking: time ends a wait, and the thread leaves the line") {
  Parked outcome = kFailed, none = kFailed;
  NativeThread thread([&] {
    outcome = park_thread_in(line, 0.001);
    none = park_thread_in(line, 0);
  });
  thread.join();
  CHECK((outcome == kTimedOut && none == kTimedOut && line.empty()));
}

TEST_CASE("thread parking: what is no number is refused") {
  CHECK(park_thread_in(line, std::nan("")) == kFailed);
  CHECK(raised(PyExc_ValueError));
  CHECK(line.empty());
}

TEST_CASE("thread parking: a handler of a signal ends a wait by what it raises, and by nothing else") {
  run(R"(
import signal
calls = []
def handler(*_):
    calls.append(1)
    if len(calls) == 2: raise KeyError("signal")
before = signal.signal(signal.SIGUSR1, handler)
)");
  const auto count = [] { return PyObject_Length(PyDict_GetItemString(names(), "calls")); };
  NativeThread other([&] {
    for (Py_ssize_t sent = 0; sent < 2; ++sent) {
      let_threads_run_until([&] { return line.front() != nullptr && count() == sent; });
      ::kill(::getpid(), SIGUSR1);
    }
  });
  CHECK(park_thread_in(line, -1) == kFailed);
  CHECK(raised(PyExc_KeyError));
  CHECK(line.empty());
  other.join();
  run("signal.signal(signal.SIGUSR1, before)");
  CHECK(holds("len(calls) == 2"));
}

TEST_CASE("thread parking: where nobody is left who could wake it, a wait without end is LoopExit") {
  CHECK(park_thread_in(line, -1) == kFailed);
  CHECK(raised(gevent_exception("LoopExit")));
  CHECK(line.empty());
  bool begun = false;
  NativeThread thread([&begun] {
    begun = true;
    let_threads_run_until([] { return line.front() != nullptr; });
  });
  let_threads_run_until([&begun] { return begun; });
  CHECK(park_thread_in(line, -1) == kFailed);  // when that thread has ended
  CHECK(raised(gevent_exception("LoopExit")));
}
