#include "python/wait/join_set.h"

namespace gevent {

void JoinSet::add(WaitQueue& queue, PyObject* object) {
  members_.push_back(std::make_unique<Member>(*this, object));
  queue.enqueue(*members_.back());
}

void JoinSet::Member::wake() noexcept {
  if (PyList_Append(set_.done_, object_) < 0) PyErr_WriteUnraisable(object_);
  if (set_.needed_ > 0 && --set_.needed_ == 0) set_.caller_.wake_one();
}

Parked JoinSet::wait(std::size_t needed, double timeout_s) noexcept {
  needed_ = needed;
  return needed == 0 ? kWoken : park_in(caller_, timeout_s);
}

}  // namespace gevent
