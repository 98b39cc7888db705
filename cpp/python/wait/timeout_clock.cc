#include "python/wait/timeout_clock.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "python/hub/hub_state.h"
#include "python/wait/parking.h"

namespace gevent {
namespace {

ClassAsWritten as_written;
PyObject* clock_key = nullptr;
PyObject* no_arguments = nullptr;
PyObject* name_of_exception = nullptr;

// -1 + exception when `number` is none.
double as_seconds(PyObject* number) noexcept {
  return PyLong_CheckExact(number) ? PyLong_AsDouble(number) : PyFloat_AsDouble(number);
}

int succeeded(PyObject* result) noexcept {
  Py_XDECREF(result);
  return result == nullptr ? -1 : 0;
}

int is_true(PyObject* object, const char* attribute) noexcept {
  PyObject* value = PyObject_GetAttrString(object, attribute);
  const int truth = value == nullptr ? -1 : PyObject_IsTrue(value);
  Py_XDECREF(value);
  return truth;
}

// What a timer that is not ours calls when the time is over.
PyObject* ring_from_python(PyObject* timeout, PyObject*) noexcept {
  TimeoutClock* const clock = find_clock(timeout);
  if (clock == nullptr || !clock->is_set_up() || clock->expire(timeout) == 0) Py_RETURN_NONE;
  return nullptr;
}
PyMethodDef ring_method = {"ring", &ring_from_python, METH_NOARGS, nullptr};

// A timer of the loop that hub.loop is. New reference.
PyObject* make_other_timer(PyObject* seconds, const TimeLimit& limit) noexcept {
  PyObject* const hub = current_hub();
  PyObject* const loop = hub == nullptr ? nullptr : PyObject_GetAttrString(hub, "loop");
  PyObject* const make = loop == nullptr ? nullptr : PyObject_GetAttrString(loop, "timer");
  const int not_zero = PyObject_IsTrue(seconds);
  PyObject* const args = not_zero == 1 ? Py_BuildValue("(O)", seconds) : Py_BuildValue("(d)", 0.0);
  PyObject* const named =
      Py_BuildValue("{s:O,s:i}", "ref", limit.ref() ? Py_True : Py_False, "priority", limit.priority());
  PyObject* timer = nullptr;
  if (make != nullptr && args != nullptr && named != nullptr && not_zero >= 0) timer = PyObject_Call(make, args, named);
  Py_XDECREF(named);
  Py_XDECREF(args);
  Py_XDECREF(make);
  Py_XDECREF(loop);
  Py_XDECREF(hub);
  return timer;
}

// timer.start(callback, update=True)
int start_timer(PyObject* timer, PyObject* timeout) noexcept {
  PyObject* const start = PyObject_GetAttrString(timer, "start");
  PyObject* const callback = PyCFunction_New(&ring_method, timeout);
  PyObject* const args = callback == nullptr ? nullptr : PyTuple_Pack(1, callback);
  PyObject* const named = Py_BuildValue("{s:O}", "update", Py_True);
  const bool complete = start != nullptr && args != nullptr && named != nullptr;
  const int done = complete ? succeeded(PyObject_Call(start, args, named)) : -1;
  Py_XDECREF(named);
  Py_XDECREF(args);
  Py_XDECREF(callback);
  Py_XDECREF(start);
  return done;
}

// Timeout(...) itself. Subclasses take the ordinary way, by way of type.__call__().
PyObject* make_timeout(PyObject*, PyObject* const* args, std::size_t nargsf, PyObject* names) noexcept {
  const Py_ssize_t count = PyVectorcall_NARGS(nargsf);
  PyObject* const made = bare_timeout();
  if (made == nullptr) return nullptr;
  int done = -1;
  if (names == nullptr && count <= 2 && is_timeout_as_written(as_written.type())) {
    PyObject* const seconds = count > 0 ? args[0] : Py_None;
    PyObject* const exception = count > 1 ? args[1] : Py_None;
    done = HiddenClock::of(made).set_up(seconds, exception, true, -1, false);
  } else if (PyObject* const init = PyObject_GetAttrString(made, "__init__")) {
    done = succeeded(PyObject_Vectorcall(init, args, static_cast<std::size_t>(count), names));
    Py_DECREF(init);
  }
  if (done == 0) return made;
  Py_DECREF(made);
  return nullptr;
}

}  // namespace

// ---- the references ----

int TimeoutClock::traverse(visitproc visit, void* arg) const noexcept {
  Py_VISIT(seconds_);
  Py_VISIT(exception_);
  Py_VISIT(greenlet_);
  Py_VISIT(outer_);
  return 0;
}

void TimeoutClock::clear() noexcept {
  silence();
  Py_CLEAR(outer_);
  Py_CLEAR(seconds_);
  Py_CLEAR(exception_);
}

void TimeoutClock::silence() noexcept {
  limit_.stop();
  Py_CLEAR(greenlet_);
  Py_CLEAR(owner_);
}

// ---- setting up ----

int TimeoutClock::set_up(PyObject* seconds, PyObject* exception, bool ref, int priority, bool one_shot) noexcept {
  if (is_set_up()) {
    if (stop() < 0) return -1;
    Py_CLEAR(outer_);
    given_ = false;
  }
  if (set_seconds(seconds) < 0) return -1;
  set_exception(exception);
  limit_.set_up(ref, priority, one_shot);
  return 0;
}

int TimeoutClock::set_seconds(PyObject* seconds) noexcept {
  if (seconds == Py_None) {
    limit_.set_length(std::nullopt);
  } else {
    const double length_s = as_seconds(seconds);
    if (length_s == -1 && PyErr_Occurred() != nullptr) return -1;
    limit_.set_length(length_s);
  }
  Py_XSETREF(seconds_, Py_NewRef(seconds));
  return 0;
}

int TimeoutClock::give_timer(PyObject* timer) noexcept {
  if (stop() < 0) return -1;
  Py_XSETREF(outer_, Py_NewRef(timer));
  given_ = true;
  return 0;
}

// ---- running ----

int TimeoutClock::pending() const noexcept {
  if (limit_.pending()) return 1;
  if (outer_ == nullptr) [[likely]]
    return 0;
  const int pending = is_true(outer_, "pending");
  return pending == 0 ? is_true(outer_, "active") : pending;
}

int TimeoutClock::start(PyObject* timeout) noexcept {
  const int is_pending = pending();
  if (is_pending < 0) return -1;
  switch (limit_.may_start(is_pending == 1)) {
    case TimeLimit::Start::kPending:
      PyErr_Format(PyExc_AssertionError, "%R is already started; to restart it, cancel it first", timeout);
      return -1;
    case TimeLimit::Start::kClosed:
      PyErr_Format(PyExc_AssertionError, "%R was closed; it cannot be started again", timeout);
      return -1;
    case TimeLimit::Start::kNeverOver:
      return 0;
    case TimeLimit::Start::kBegins:
      break;
  }
  HubState* const state = require_hub_state();
  PyObject* const greenlet = state == nullptr ? nullptr : current_greenlet();
  if (greenlet == nullptr) return -1;
  Py_XSETREF(greenlet_, greenlet);
  if (given_ || state->loop_stands_in) [[unlikely]]
    return start_other_timer(timeout);
  Py_XSETREF(owner_, Py_NewRef(timeout));
  static_cast<void>(limit_.start(*state->loop, &ring, timeout));
  return 0;
}

int TimeoutClock::start_other_timer(PyObject* timeout) noexcept {
  if (!given_) {
    PyObject* const timer = make_other_timer(seconds_, limit_);
    if (timer == nullptr) return -1;
    Py_XSETREF(outer_, timer);
  }
  return start_timer(outer_, timeout);
}

int TimeoutClock::stop() noexcept {
  int done = 0;
  if (outer_ != nullptr) [[unlikely]] {
    PyObject* const timer = given_ ? Py_NewRef(outer_) : std::exchange(outer_, nullptr);
    done = succeeded(PyObject_CallMethod(timer, "stop", nullptr));
    if (done == 0 && !given_) done = succeeded(PyObject_CallMethod(timer, "close", nullptr));
    Py_DECREF(timer);
  }
  if (done == 0) silence();
  return done;
}

int TimeoutClock::close() noexcept {
  if (stop() < 0) return -1;
  limit_.close();
  return given_ ? succeeded(PyObject_CallMethod(outer_, "close", nullptr)) : 0;
}

// ---- when it is over ----

void TimeoutClock::ring(Watcher& watcher, int) noexcept {
  // In the hub, on the loop's thread.
  PyObject* const timeout = Py_NewRef(static_cast<PyObject*>(watcher.owner));
  TimeoutClock* const clock = find_clock(timeout);
  if (clock->expire(timeout) < 0) report_exception(nullptr, timeout);
  Py_DECREF(timeout);
}

int TimeoutClock::expire(PyObject* timeout) noexcept {
  if (greenlet_ == nullptr) return stop();
  PyObject* const greenlet = Py_NewRef(greenlet_);
  int done = limit_.rang() ? close() : stop();
  const bool ours = is_timeout_as_written(reinterpret_cast<PyObject*>(Py_TYPE(timeout)));
  PyObject* exception = nullptr;
  if (done == 0) exception = ours ? Py_NewRef(exception_) : PyObject_GetAttr(timeout, name_of_exception);
  if (exception == nullptr) {
    done = -1;
  } else {
    if (exception == Py_None || exception == Py_False || PyUnicode_Check(exception)) {
      Py_SETREF(exception, Py_NewRef(timeout));
    }
    done = ours ? raise_in(greenlet, exception)
                : succeeded(PyObject_CallMethod(timeout, "_on_expiration", "OO", greenlet, exception));
    Py_DECREF(exception);
  }
  Py_DECREF(greenlet);
  return done;
}

int raise_in(PyObject* greenlet, PyObject* exception) noexcept {
  auto* const target = reinterpret_cast<PyGreenlet*>(greenlet);
  return is_active(target) ? succeeded(throw_into(target, exception, nullptr, nullptr)) : 0;
}

// ---- the class ----

TimeoutClock* find_clock(PyObject* object) noexcept {
  if (HiddenClock::in(object)) return &HiddenClock::of(object);
  if (!PyExceptionInstance_Check(object)) return nullptr;
  PyObject* attributes = reinterpret_cast<PyBaseExceptionObject*>(object)->dict;
  PyObject* keeper = attributes == nullptr ? nullptr : PyDict_GetItem(attributes, clock_key);
  return keeper != nullptr && HiddenClock::in(keeper) ? &HiddenClock::of(keeper) : nullptr;
}

int give_clock(PyObject* object) noexcept {
  PyObject** attributes = &reinterpret_cast<PyBaseExceptionObject*>(object)->dict;
  if (*attributes == nullptr && (*attributes = PyDict_New()) == nullptr) return -1;
  PyObject* const keeper = bare_timeout();
  if (keeper == nullptr) return -1;
  const int done = PyDict_SetItem(*attributes, clock_key, keeper);
  Py_DECREF(keeper);
  return done;
}

PyObject* bare_timeout() noexcept {
  return reinterpret_cast<PyTypeObject*>(PyExc_BaseException)->tp_new(HiddenClock::type(), no_arguments, nullptr);
}

void forget_arguments(PyObject* object) noexcept {
  Py_XSETREF(reinterpret_cast<PyBaseExceptionObject*>(object)->args, Py_NewRef(no_arguments));
}

int prepare_timeout_class(PyObject* type) noexcept {
  clock_key = PyUnicode_InternFromString(kClockKey);
  name_of_exception = PyUnicode_InternFromString("exception");
  no_arguments = PyTuple_New(0);
  if (clock_key == nullptr || name_of_exception == nullptr || no_arguments == nullptr) return -1;
  PyObject* const names =
      Py_BuildValue("(ssssss)", "_on_expiration", "close", "exception", "pending", "seconds", "start");
  PyObject* const names_of_itself = Py_BuildValue("(s)", "__init__");
  const bool complete = names != nullptr && names_of_itself != nullptr;
  const int done = complete ? as_written.remember(type, names, names_of_itself) : -1;
  Py_XDECREF(names_of_itself);
  Py_XDECREF(names);
  if (done < 0) return -1;
  reinterpret_cast<PyTypeObject*>(type)->tp_vectorcall = &make_timeout;
  HiddenClock::install(reinterpret_cast<PyTypeObject*>(type));
  return 0;
}

bool is_timeout_as_written(PyObject* type) noexcept { return as_written.holds(type); }

}  // namespace gevent
