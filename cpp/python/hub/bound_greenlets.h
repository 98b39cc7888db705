// Greenlets that belong to the process that has started them.
//
// In the child of a plain fork() greenlets go on. Those that are bound do not, just as threads do not: they are left
// behind, which is to say that they never run there again and are never unwound, since their `finally` blocks would
// write to pipes of the parent's. They stay suspended for ever; whatever would wake them (queues, timers, watchers) has
// forgotten them. The one that forks is not left behind, be it bound or not. For the threads of multiprocessing, whose
// business is with other processes.
//
// It happens inside fork(), before anything else runs in the child, if the thread that forks holds the GIL; one that
// does not has to call exec next.
#pragma once
#include <Python.h>

#include "base/intrusive_list.h"
#include "python/object/greenlet_object.h"

namespace gevent {

// Needs the GIL, as all here. `left_behind` is called in the child; it may not run Python code. Borrows the greenlet:
// call unbind_from_process() at its end.
void bind_to_process(PyGreenlet* greenlet, void (*left_behind)(PyObject* greenlet)) noexcept;
void unbind_from_process(PyGreenlet* greenlet) noexcept;

// Whether `greenlet` must not be switched to.
[[nodiscard]] bool is_left_behind(const PyGreenlet* greenlet) noexcept;

// In a child that abandons its hub, where nobody goes on: there is nothing to be left behind.
void forget_bound_greenlets() noexcept;

// While one lives, fork() leaves nobody behind in the child: the child is going to abandon its hub.
class CleanForkScope {
 public:
  CleanForkScope() noexcept;
  CleanForkScope(const CleanForkScope&) = delete;
  CleanForkScope& operator=(const CleanForkScope&) = delete;
  ~CleanForkScope();
};

// What the calling greenlet holds while it is parked, to be given back for it if it is left behind. On the heap.
class HeldWhileParked : public ListNode {
 public:
  HeldWhileParked() noexcept;  // held by the calling greenlet

  // In the child, instead of what the greenlet would do once it runs. May not run Python code.
  virtual void give_back() noexcept = 0;

 protected:
  ~HeldWhileParked() = default;

 private:
  friend void leave_bound_greenlets_behind() noexcept;
  const PyGreenlet* holder_;
};

}  // namespace gevent
