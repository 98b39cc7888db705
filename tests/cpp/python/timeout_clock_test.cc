#include "python/wait/timeout_clock.h"

#include "python/interpreter.h"

using gevent::find_clock;
using gevent::TimeoutClock;
using namespace gevent::testing;

TEST_CASE("timeout clock: an instance of Timeout has one in it, one of a subclass when __init__() was called") {
  run(R"(
from gevent import Timeout
class Sub(Timeout): pass
class Silent(Timeout):
    def __init__(self): pass
)");
  const Object own = value_of("Timeout(3)"), sub = value_of("Sub(4)"), silent = value_of("Silent()"),
               other = value_of("OSError()");
  REQUIRE(find_clock(own) != nullptr);
  CHECK(find_clock(own)->is_set_up());
  CHECK(find_clock(own)->limit().length_s() == 3);
  REQUIRE(find_clock(sub) != nullptr);
  CHECK(find_clock(sub)->limit().length_s() == 4);
  CHECK(find_clock(silent) == nullptr);
  CHECK(find_clock(other) == nullptr);
}

TEST_CASE("timeout clock: it is started once, refuses while pending and when closed, and says so") {
  const Object timeout = value_of("__import__('gevent').Timeout(1000)");
  TimeoutClock& clock = *find_clock(timeout);
  CHECK(clock.pending() == 0);
  CHECK(clock.start(timeout) == 0);
  CHECK(clock.pending() == 1);
  CHECK(clock.start(timeout) == -1);
  CHECK(raised(PyExc_AssertionError));
  CHECK(clock.stop() == 0);
  CHECK(clock.pending() == 0);
  CHECK(clock.close() == 0);
  CHECK(clock.start(timeout) == -1);
  CHECK(raised(PyExc_AssertionError));
}

TEST_CASE("timeout clock: what is no number is refused, and leaves what was there") {
  const Object timeout = value_of("__import__('gevent').Timeout(2)"), text = value_of("'soon'");
  TimeoutClock& clock = *find_clock(timeout);
  CHECK(clock.set_seconds(text) == -1);
  CHECK(raised(PyExc_TypeError));
  CHECK(clock.limit().length_s() == 2);
  CHECK(clock.set_seconds(Py_None) == 0);
  CHECK(clock.start(timeout) == 0);
  CHECK(clock.pending() == 0);  // never over
}

TEST_CASE("timeout clock: a timer that was given counts in place of ours") {
  run(R"(
class Timer:
    def __init__(self): self.calls, self.pending, self.active = [], False, False
    def start(self, callback, update): self.calls.append("start"); self.callback = callback; self.pending = update
    def stop(self): self.calls.append("stop"); self.pending = False
    def close(self): self.calls.append("close")
timer = Timer()
)");
  const Object timeout = value_of("__import__('gevent').Timeout(2)"), timer = value_of("timer");
  TimeoutClock& clock = *find_clock(timeout);
  REQUIRE(clock.give_timer(timer) == 0);
  CHECK(clock.other_timer() == timer);
  CHECK(clock.start(timeout) == 0);
  CHECK(clock.pending() == 1);
  CHECK_FALSE(clock.limit().pending());
  CHECK(clock.close() == 0);
  CHECK(holds("timer.calls == ['start', 'stop', 'close']"));
}

TEST_CASE("timeout clock: it is over in the greenlet that has started it") {
  run(R"(
import gevent
caught = []
def wait():
    try:
        with gevent.Timeout(0.001) as limit: gevent.sleep(60)
    except gevent.Timeout as raised: caught.append(raised is limit)
gevent.spawn(wait).join(30)
)");
  CHECK(holds("caught == [True]"));
}
