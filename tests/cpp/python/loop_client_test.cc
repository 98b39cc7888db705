#include "python/hub/loop_client.h"

#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <thread>

#include "python/forked.h"
#include "python/hub/hub_state.h"
#include "python/interpreter.h"
#include "sync/waiter.h"

using namespace gevent;
using namespace gevent::testing;

namespace {

using Make = std::shared_ptr<PythonLoop> (*)() noexcept;

std::shared_ptr<PythonLoop> make_libev() noexcept { return make_libev_python_loop(0); }

constexpr Make kEngines[] = {&make_libev, &make_libuv_python_loop};

// Makes a loop for one object, and closes it at the end.
class OwnLoop {
 public:
  explicit OwnLoop(Make make) : loop_(make()) {
    REQUIRE(loop_ != nullptr);
    loop_->join();
  }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;
  ~OwnLoop() {
    if (loop_->leave()) loop_->close();
  }
  PythonLoop* operator->() const noexcept { return loop_.get(); }
  PythonLoop& operator*() const noexcept { return *loop_; }

 private:
  std::shared_ptr<PythonLoop> loop_;
};

// Something that hears of errors.
PyObject* listener() {
  run(R"(
heard = []
class Listener:
    def handle_error(self, *error): heard.append(error)
class Deaf:
    def handle_error(self, *error): raise LookupError("deaf")
)");
  return value_of("Listener()");
}

void append(void* target, void*) noexcept {
  auto* const object = static_cast<PyObject*>(target);
  PyList_Append(PyDict_GetItemString(names(), "ran"), object);
  Py_DECREF(object);
}

void drop(void* target, void*) noexcept { Py_DECREF(static_cast<PyObject*>(target)); }

void release_hold(void* target, void* loop) noexcept {
  drop(target, nullptr);
  static_cast<PythonLoop*>(loop)->core()->release();
}

// Runs `call` with the GIL.
template <typename Call>
auto with_gil(Call call) {
  const PyGILState_STATE state = PyGILState_Ensure();
  const auto result = call();
  PyGILState_Release(state);
  return result;
}

}  // namespace

TEST_CASE("loop client: flags that mean nothing, and a lack of descriptors, are exceptions") {
  CHECK(make_libev_python_loop(0x00000400u) == nullptr);  // a backend that there is not here
  CHECK(raised(PyExc_SystemError));
  for (const Make make : kEngines) {
    CHECK(in_child([make] {
            const rlimit none{0, 0};
            if (::setrlimit(RLIMIT_NOFILE, &none) != 0 || make() != nullptr || !PyErr_ExceptionMatches(PyExc_OSError))
              return false;
            PyObject *type, *value, *traceback;
            PyErr_Fetch(&type, &value, &traceback);
            PyErr_NormalizeException(&type, &value, &traceback);
            PyDict_SetItemString(names(), "error", value);
            return holds("error.errno == 24 and 'cannot make an event loop' in str(error)");
          }) == 0);
  }
}

TEST_CASE("loop client: objects that are pushed have their turn in order, and each is given back") {
  for (const Make make : kEngines) {
    const OwnLoop loop(make);
    const Object hears(listener()), one(value_of("object()")), two(value_of("object()"));
    const Py_ssize_t references = Py_REFCNT(static_cast<PyObject*>(one));
    run("ran = []");
    PyDict_SetItemString(names(), "one", one);
    push_object(*loop, &append, one);
    push_object(*loop, &append, two);
    CHECK(holds("ran == []"));
    loop->run(hears, Loop::Mode::kNowait);
    CHECK(holds("len(ran) == 2 and ran[0] is one"));
    run("del ran, one");
    CHECK(Py_REFCNT(static_cast<PyObject*>(one)) == references);
    CHECK(loop->running_for() == nullptr);
  }
}

TEST_CASE("loop client: what a loop that ends has not run is taken, but for entries of other kinds") {
  for (const Make make : kEngines) {
    const OwnLoop loop(make);
    const Object one(value_of("object()")), two(value_of("object()"));
    push_object(*loop, &append, one);
    push_object(*loop, &drop, two);
    const Object taken(take_objects(*loop->core(), &append));
    REQUIRE(taken != nullptr);
    CHECK((PyList_GET_SIZE(static_cast<PyObject*>(taken)) == 1));
    CHECK(PyList_GET_ITEM(static_cast<PyObject*>(taken), 0) == static_cast<PyObject*>(one));
    CHECK(loop->core()->ready.peek() == nullptr);
  }
}

TEST_CASE("loop client: a thread that pushes wakes the one that sleeps in the loop, which has given up the GIL") {
  for (const Make make : kEngines) {
    const OwnLoop loop(make);
    loop->core()->hold();  // nothing but that thread ends the run
    const Object hears(listener());
    std::thread other([&loop] {
      while (!with_gil([&loop] {
        if (!loop->core()->blocked()) return false;
        push_object(*loop, &release_hold, Py_None);
        return true;
      })) {
        std::this_thread::yield();
      }
    });
    loop->run(hears, Loop::Mode::kDefault);
    Py_BEGIN_ALLOW_THREADS;
    other.join();
    Py_END_ALLOW_THREADS;
  }
}

TEST_CASE("loop client: signals are handled in a turn, and what a handler raises goes to whom the loop runs for") {
  for (const Make make : kEngines) {
    const OwnLoop loop(make);
    const Object hears(listener());
    run(R"(
import signal
def raises(*_): raise KeyError("signal")
before = signal.signal(signal.SIGUSR1, raises)
)");
    push_object(
        *loop,
        [](void* target, void*) noexcept {
          drop(target, nullptr);
          ::raise(SIGUSR1);
        },
        Py_None);
    loop->run(hears, Loop::Mode::kNowait);
    loop->run(hears, Loop::Mode::kNowait);
    run("signal.signal(signal.SIGUSR1, before)");
    CHECK(holds(
        "[(context, kind, str(value)) for context, kind, value, _ in heard] == [(None, KeyError, \"'signal'\")]"));
    CHECK(holds("heard[0][3] is not None"));
  }
}

TEST_CASE("loop client: an error that cannot be told is shown beside the one that came in between") {
  const Object hears(listener()), deaf(value_of("Deaf()"));
  PyErr_SetString(PyExc_ValueError, "told");
  report_to_loop(hears, nullptr);
  CHECK(PyErr_Occurred() == nullptr);
  CHECK(holds("[(error[0], error[1]) for error in heard] == [(None, ValueError)]"));
  report_to_loop(hears, nullptr);  // there is none
  CHECK(holds("len(heard) == 1"));
  run("import sys\nshown = []\nhook, sys.unraisablehook = sys.unraisablehook, lambda it: shown.append(it.exc_type)");
  PyErr_SetString(PyExc_ValueError, "lost");
  report_to_loop(deaf, nullptr);
  run("sys.unraisablehook = hook");
  CHECK(PyErr_Occurred() == nullptr);
  CHECK(holds("set(shown) == {ValueError, LookupError}"));
}

TEST_CASE("loop client: a function is called with what a tuple holds") {
  run("called = []\ndef note(*args): called.append(args)\ndef fail(): raise KeyError");
  const Object note(value_of("note")), fail(value_of("fail")), two(value_of("(1, 2)")), none(value_of("()"));
  CHECK((call_with(note, two) && call_with(note, none)));
  CHECK(holds("called == [(1, 2), ()]"));
  CHECK_FALSE(call_with(fail, none));
  CHECK(raised(PyExc_KeyError));
}

TEST_CASE("loop client: it stands for several objects, and the last of them ends it") {
  for (const Make make : kEngines) {
    const auto loop = make();
    loop->join();
    loop->join();
    CHECK_FALSE(loop->leave());
    CHECK(loop->leave());
    const std::uint64_t before = Losses::count();
    loop->core()->waiters = 1;  // somebody who waits there is left behind
    loop->close();
    CHECK(loop->core()->closed());
    CHECK(Losses::count() == before + 1);
    loop->core()->waiters = 0;
  }
}

TEST_CASE("loop client: a forked child abandons all loops there are") {
  const OwnLoop one(&make_libev), two(&make_libuv_python_loop);
  CHECK(in_child([&] {
          PythonLoop::abandon_all();
          return one->core()->abandoned() && two->core()->abandoned() && hub_state()->loop->abandoned();
        }) == 0);
  CHECK_FALSE((one->core()->abandoned() || two->core()->abandoned()));
}
