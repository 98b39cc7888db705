// What a Timeout knows besides being an exception.
#pragma once
#include <Python.h>

#include "python/object/hidden_part.h"
#include "sync/alarm.h"

namespace gevent {

// Where a Timeout has it, says find_clock(). References are its own, and may be null.
struct TimeoutClock {
  Alarm alarm;
  PyObject* seconds = nullptr;    // what the user said; null: this was not set up yet
  PyObject* exception = nullptr;  // what to raise in its place
  PyObject* greenlet = nullptr;   // who gets it; null unless pending
  PyObject* outer = nullptr;      // the timer where hub.loop is not our own, or the one that was given
  // Whose clock it is while the alarm is set. Nobody else needs to keep what the loop is going to ring, so the
  // collector is not told of this one.
  PyObject* owner = nullptr;
  double after_s = 0;
  int priority = 0;
  bool ref = true;
  bool closed = false;
  bool one_shot = false;
  bool given = false;  // `outer` was put in place of ours, and stays

  TimeoutClock() = default;
  TimeoutClock(const TimeoutClock&) = delete;
  TimeoutClock& operator=(const TimeoutClock&) = delete;
  ~TimeoutClock() { clear(); }

  int traverse(visitproc visit, void* arg) const noexcept {
    Py_VISIT(seconds);
    Py_VISIT(exception);
    Py_VISIT(greenlet);
    Py_VISIT(outer);
    return 0;
  }

  void clear() noexcept {
    silence();
    Py_CLEAR(outer);
    Py_CLEAR(seconds);
    Py_CLEAR(exception);
  }

  // The alarm will not ring. Whoever calls this keeps the owner.
  void silence() noexcept {
    alarm.cancel();
    Py_CLEAR(greenlet);
    Py_CLEAR(owner);
  }
};

// In the place of a reference that may be null.
inline void put(PyObject*& place, PyObject* value) noexcept { Py_XSETREF(place, Py_NewRef(value)); }

// -1 + exception when `number` is none.
inline double as_seconds(PyObject* number) noexcept {
  return PyLong_CheckExact(number) ? PyLong_AsDouble(number) : PyFloat_AsDouble(number);
}

using HiddenClock = HiddenPart<TimeoutClock>;

// The clock of an instance of Timeout itself is a hidden part. That of an instance of a subclass is in another Timeout,
// which nobody sees, in its __dict__ under `key`. nullptr where there is none: no Timeout.__init__() was called.
inline TimeoutClock* find_clock(PyObject* object, PyObject* key) noexcept {
  if (HiddenClock::in(object)) return &HiddenClock::of(object);
  if (!PyExceptionInstance_Check(object)) return nullptr;
  PyObject* attributes = reinterpret_cast<PyBaseExceptionObject*>(object)->dict;
  PyObject* keeper = attributes == nullptr ? nullptr : PyDict_GetItem(attributes, key);
  return keeper != nullptr && HiddenClock::in(keeper) ? &HiddenClock::of(keeper) : nullptr;
}

// A Timeout without arguments, whose __init__() was not called. New reference, or nullptr + exception.
inline PyObject* bare_timeout(PyObject* no_arguments) noexcept {
  return reinterpret_cast<PyTypeObject*>(PyExc_BaseException)->tp_new(HiddenClock::type(), no_arguments, nullptr);
}

// What BaseException.__init__() does when called without arguments.
inline void forget_arguments(PyObject* object, PyObject* no_arguments) noexcept {
  put(reinterpret_cast<PyBaseExceptionObject*>(object)->args, no_arguments);
}

// Makes that instance of a subclass have a clock. -1 + exception on failure.
inline int give_clock(PyObject* object, PyObject* key, PyObject* no_arguments) noexcept {
  PyObject** attributes = &reinterpret_cast<PyBaseExceptionObject*>(object)->dict;
  if (*attributes == nullptr && (*attributes = PyDict_New()) == nullptr) return -1;
  PyObject* keeper = bare_timeout(no_arguments);
  if (keeper == nullptr) return -1;
  const int done = PyDict_SetItem(*attributes, key, keeper);
  Py_DECREF(keeper);
  return done;
}

}  // namespace gevent
