// What `threading` knows, looked at in a forked child, without a reference counted and so without a page written.
#pragma once
#include <Python.h>

namespace gevent {

// The module `threading`, which has to live as long as this.
class ThreadList {
 public:
  // `module` is its dictionary, `dangling` its own set of all thread objects, and `references` the set in which that
  // one has its weak references. All borrowed.
  ThreadList(PyObject* module, PyObject* dangling, PyObject* references) noexcept;

  // Whether the module knows of no thread but one that is the main thread, has begun, and is `current`: the greenlet
  // whose address is that thread's ident. False also where the module has not got what it had when this was written.
  // Never fails.
  //
  // Then a forked child finds in the module all as it has to be there, but for the module's own locks, which some other
  // thread may have held.
  [[nodiscard]] bool is_only_main_thread(PyObject* current) const noexcept;

  // Whether somebody is to be called at the process's end, before threads are joined.
  [[nodiscard]] bool has_exit_calls() const noexcept;

  // Until Python 3.12 there is one lock for each thread that the process's end waits for.
  [[nodiscard]] bool has_locks_of_threads() const noexcept;

 private:
  // Borrowed; nullptr if the module has no such name.
  PyObject* find(int name) const noexcept;

  PyObject *module_, *dangling_, *references_;
};

}  // namespace gevent
