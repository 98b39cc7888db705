// Python callbacks that stand in a wait queue beside parked greenlets: what rawlink() makes.
#pragma once
#include <Python.h>

#include "sync/waiter.h"

namespace gevent {

// Calls `callback(source)` when woken, at once, so only the hub may wake it; an exception goes to the hub's
// handle_error with the pair (callback, source) as its context. Owned by the queue it stands in: woken or unlinked, it
// is gone.
class Link final : public Waiter {
 public:
  static void add(WaitQueue& queue, PyObject* source, PyObject* callback) noexcept;
  // Removes the first link whose callback equals `callback`. 1 removed, 0 there was none, -1 exception.
  static int remove(WaitQueue& queue, PyObject* callback) noexcept;
  static void remove_all(WaitQueue& queue) noexcept;
  static Py_ssize_t count(WaitQueue& queue) noexcept;
  // For tp_traverse / tp_clear of whoever owns the queue.
  static int traverse(WaitQueue& queue, visitproc visit, void* arg) noexcept;

  void wake() noexcept override;

  // The object whose queue this is; it owns the queue, so the link borrows it.
  PyObject* source;
  PyObject* callback;

 private:
  Link(PyObject* source, PyObject* callback) noexcept : source(source), callback(Py_NewRef(callback)) {}
  ~Link() { Py_DECREF(callback); }
};

}  // namespace gevent
