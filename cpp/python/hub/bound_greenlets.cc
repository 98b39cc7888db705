#include "python/hub/bound_greenlets.h"

#include <pthread.h>

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "base/made_at_load.h"
#include "python/object/greenlet_api.h"
#include "python/wait/parked_greenlet.h"

namespace gevent {
namespace {

using Bound = std::unordered_map<PyGreenlet*, void (*)(PyObject* greenlet)>;

const MadeAtLoad<Bound> bound;
// Referred to for ever, so that none of them is unwound.
const MadeAtLoad<std::unordered_set<const PyGreenlet*>> left_behind;
const MadeAtLoad<IntrusiveList<HeldWhileParked>> all_held;

int clean_forks = 0;

}  // namespace

void leave_bound_greenlets_behind() noexcept {
  if (bound().empty() || clean_forks > 0 || PyGILState_Check() == 0) return;
  PyGreenlet* const forking = PyGreenlet_GetCurrent();
  for (const auto& [greenlet, tell] : std::exchange(bound(), {})) {
    if (greenlet == forking) {
      bound().emplace(greenlet, tell);
      continue;
    }
    Py_INCREF(greenlet);
    left_behind().insert(greenlet);
    tell(reinterpret_cast<PyObject*>(greenlet));
  }
  ParkedGreenlet::leave_behind();
  IntrusiveList<HeldWhileParked>& held = all_held();
  for (HeldWhileParked* each = held.front(); each != nullptr;) {
    HeldWhileParked* const next = held.after(*each);
    if (is_left_behind(each->holder_)) {
      each->unlink();
      each->give_back();
    }
    each = next;
  }
  if (forking == nullptr) PyErr_Clear();
  Py_XDECREF(forking);
}

void bind_to_process(PyGreenlet* greenlet, void (*left_behind)(PyObject* greenlet)) noexcept {
  static const bool registered = [] {
    GEVENT_CHECK(::pthread_atfork(nullptr, nullptr, &leave_bound_greenlets_behind) == 0);
    return true;
  }();
  static_cast<void>(registered);
  bound().emplace(greenlet, left_behind);
}

void unbind_from_process(PyGreenlet* greenlet) noexcept { bound().erase(greenlet); }

bool is_left_behind(const PyGreenlet* greenlet) noexcept {
  return !left_behind().empty() && left_behind().contains(greenlet);
}

void forget_bound_greenlets() noexcept {
  if (!bound().empty()) bound().clear();  // which would write to it in any case
  while (all_held().pop_front() != nullptr) {
  }
}

CleanForkScope::CleanForkScope() noexcept { ++clean_forks; }
CleanForkScope::~CleanForkScope() { --clean_forks; }

HeldWhileParked::HeldWhileParked() noexcept {
  PyGreenlet* const caller = PyGreenlet_GetCurrent();
  holder_ = caller;  // only compared, and it lives while this does
  Py_XDECREF(caller);
  all_held().push_back(*this);
}

}  // namespace gevent
