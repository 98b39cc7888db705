#include "python/hub/bound_greenlets.h"

#include <memory>

#include "python/forked.h"
#include "python/hub/hub_state.h"
#include "python/interpreter.h"
#include "python/wait/parking.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

WaitQueue line;
int given_back = 0;
int told = 0;
void tell(PyObject*) { ++told; }

class Held final : public HeldWhileParked {
 public:
  Held() = default;
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() = default;
  void give_back() noexcept override { ++given_back; }
};

PyObject* wait_holding(PyObject*, PyObject*) {
  const auto held = std::make_unique<Held>();
  return park_in(line, -1) == kFailed ? nullptr : Py_NewRef(Py_None);
}

PyGreenlet* greenlet_of(const char* expression) {
  const Object found(value_of(expression));
  return reinterpret_cast<PyGreenlet*>(static_cast<PyObject*>(found));
}

// Two that wait; the first is bound while this lives.
class Waiting {
 public:
  Waiting() {
    define("wait_holding", wait_holding);
    run(R"(
import gc, gevent
ended = []
def wait(name):
    try: wait_holding()
    finally: ended.append(name)
bound, other = gevent.spawn(wait, "bound"), gevent.spawn(wait, "other")
gevent.sleep(0)
)");
    bind_to_process(greenlet_of("bound"), &tell);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    unbind_from_process(greenlet_of("bound"));
    line.wake_all();
    run("gevent.joinall([bound, other], timeout=30)");
  }
};

}  // namespace

TEST_CASE("bound greenlets: in the child of a fork they are left behind, never run and are never unwound") {
  const Waiting waiting;
  CHECK(in_child([] {
          PyOS_AfterFork_Child();
          const PyGreenlet* const bound = greenlet_of("bound");
          if (told != 1 || given_back != 1 || !is_left_behind(bound) || is_left_behind(greenlet_of("other")))
            return false;
          line.wake_all();
          run("other.join(30)\ndel bound\ngc.collect()");
          return line.empty() && is_left_behind(bound) && holds("ended == ['other']");
        }) == 0);
  CHECK((told == 0 && given_back == 0));
  CHECK_FALSE(is_left_behind(greenlet_of("bound")));
  line.wake_all();
  run("gevent.joinall([bound, other], timeout=30)");
  CHECK(holds("ended == ['bound', 'other']"));
}

TEST_CASE("bound greenlets: the one that forks goes on") {
  auto* const forking = reinterpret_cast<PyGreenlet*>(running_greenlet());
  bind_to_process(forking, &tell);
  CHECK(in_child([&] { return told == 0 && !is_left_behind(forking); }) == 0);
  unbind_from_process(forking);
}

TEST_CASE("bound greenlets: one that is bound no more goes on") {
  const Waiting waiting;
  unbind_from_process(greenlet_of("bound"));
  CHECK(in_child([] { return told == 0 && given_back == 0 && !is_left_behind(greenlet_of("bound")); }) == 0);
}

TEST_CASE("bound greenlets: a child that is going to abandon its hub leaves nobody behind, nor do its own children") {
  const Waiting waiting;
  {
    const CleanForkScope clean;
    CHECK(in_child([] { return told == 0 && given_back == 0; }) == 0);
  }
  CHECK(in_child([] { return told == 1; }) == 0);  // the scope is over
  {
    const CleanForkScope clean;
    CHECK(in_child([] {
            forget_bound_greenlets();
            PyOS_AfterFork_Child();  // or the locks of Python's that are held while it forks still are
            return in_child([] { return told == 0 && given_back == 0; }) == 0;
          }) == 0);
  }
}
