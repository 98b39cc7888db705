// What a Timeout knows besides being an exception: how long it lasts, what it raises, and in whom.
#pragma once
#include <Python.h>

#include "python/object/class_as_written.h"
#include "python/object/hidden_part.h"
#include "sync/time_limit.h"

namespace gevent {

// Where a Timeout has it, says find_clock(). When it starts, rings and ends is in sync/time_limit.h; here is the part
// of Python: the references, and the timer of a program that may stand in for ours.
//
// Those that return int return -1 with an exception set on failure. Whoever calls start(), stop(), close() or expire()
// keeps the Timeout meanwhile.
class TimeoutClock {
 public:
  TimeoutClock() = default;
  TimeoutClock(const TimeoutClock&) = delete;
  TimeoutClock& operator=(const TimeoutClock&) = delete;
  ~TimeoutClock() { clear(); }

  // For HiddenPart.
  int traverse(visitproc visit, void* arg) const noexcept;
  void clear() noexcept;

  // Anew, as Timeout.__init__() does; what is still pending is stopped. TypeError for `seconds` that are no number.
  int set_up(PyObject* seconds, PyObject* exception, bool ref, int priority, bool one_shot) noexcept;
  // False: Timeout.__init__() was not called, or that of another base came first.
  [[nodiscard]] bool is_set_up() const noexcept { return seconds_ != nullptr; }

  int start(PyObject* timeout) noexcept;  // AssertionError when it is pending, or was closed
  int stop() noexcept;
  int close() noexcept;
  int pending() const noexcept;  // 1 or 0
  // The time is over: raises what is to be raised, in the greenlet that has started it. Requires: is_set_up().
  int expire(PyObject* timeout) noexcept;

  // What the user said. Borrowed.
  [[nodiscard]] PyObject* seconds() const noexcept { return seconds_; }
  [[nodiscard]] PyObject* exception() const noexcept { return exception_; }
  int set_seconds(PyObject* seconds) noexcept;
  void set_exception(PyObject* exception) noexcept { Py_XSETREF(exception_, Py_NewRef(exception)); }
  [[nodiscard]] const TimeLimit& limit() const noexcept { return limit_; }

  // The timer that counts in place of ours: one that the program has given, or that of a loop which is not our own.
  // Borrowed; nullptr: ours does.
  [[nodiscard]] PyObject* other_timer() const noexcept { return outer_; }
  int give_timer(PyObject* timer) noexcept;  // stops; from now on `timer` is started, stopped and closed with this

 private:
  void silence() noexcept;  // what rings for us will not
  int start_other_timer(PyObject* timeout) noexcept;
  static void ring(Watcher& watcher, int revents) noexcept;

  TimeLimit limit_;
  PyObject* seconds_ = nullptr;
  PyObject* exception_ = nullptr;
  PyObject* greenlet_ = nullptr;  // who gets it; null unless pending
  PyObject* outer_ = nullptr;
  // Whose clock it is while the alarm is set. Nobody else needs to keep what the loop is going to ring, so the
  // collector is not told of this one.
  PyObject* owner_ = nullptr;
  bool given_ = false;  // `outer_` is the program's, and stays
};

using HiddenClock = HiddenPart<TimeoutClock>;

// The clock of an instance of Timeout itself is a hidden part. That of an instance of a subclass is in another Timeout,
// which nobody sees, in its __dict__ under kClockKey. nullptr where there is none: no Timeout.__init__() was called.
TimeoutClock* find_clock(PyObject* object) noexcept;
inline constexpr char kClockKey[] = "_gevent_clock";

// Makes an instance of a subclass have a clock. -1 + exception on failure.
int give_clock(PyObject* object) noexcept;

// A Timeout without arguments, whose __init__() was not called. New reference, or nullptr + exception.
PyObject* bare_timeout() noexcept;

// What BaseException.__init__() does when called without arguments.
void forget_arguments(PyObject* object) noexcept;

// Makes `type`, the class Timeout, one whose instances have clocks and are made without a tuple of arguments. -1 +
// exception on failure.
int prepare_timeout_class(PyObject* type) noexcept;

// Whether `type`, Timeout or a subclass, has Timeout's own methods, so that they need not be called through Python.
[[nodiscard]] bool is_timeout_as_written(PyObject* type) noexcept;

// Raises `exception` in `greenlet`, unless that has ended: it would come back to the hub. -1 + exception on failure.
int raise_in(PyObject* greenlet, PyObject* exception) noexcept;

}  // namespace gevent
