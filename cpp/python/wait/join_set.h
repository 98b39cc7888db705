// Waiting for several greenlets at once.
#pragma once
#include <Python.h>

#include <memory>
#include <vector>

#include "python/wait/parking.h"
#include "sync/waiter.h"

namespace gevent {

// Stands in the wait queues of many objects and collects them in the order in which they wake it. On the heap.
class JoinSet {
 public:
  // `done` is a list to which finished objects are appended; borrowed for the set's life.
  explicit JoinSet(PyObject* done) noexcept : done_(done) {}

  // Waits in `queue` of `object` (borrowed: the caller keeps it). Before wait().
  void add(WaitQueue& queue, PyObject* object);

  // Parks until `needed` of the added objects are done. kTimedOut: some are, the rest is not.
  Parked wait(std::size_t needed, double timeout_s) noexcept;

 private:
  class Member final : public Waiter {
   public:
    Member(JoinSet& set, PyObject* object) noexcept : set_(set), object_(object) {}
    ~Member() = default;
    void wake() noexcept override;

   private:
    JoinSet& set_;
    PyObject* object_;
  };

  PyObject* done_;
  std::size_t needed_ = 0;
  std::vector<std::unique_ptr<Member>> members_;
  WaitQueue caller_;
};

}  // namespace gevent
