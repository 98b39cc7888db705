#include "python/wait/resting_threads.h"

#include <algorithm>
#include <vector>

#include "base/fork_generation.h"
#include "base/made_at_load.h"
#include "python/hub/thread_end.h"
#include "thread/foreign_threads.h"

namespace gevent {
namespace {

// Of this process: what a parent left behind is dropped at the first touch.
struct Roll {
  std::vector<Rest*> resting;
  std::vector<std::uint64_t> counted_out;  // PyThreadState ids, which are never used twice
  std::uint64_t generation = fork_generation();
};

const MadeAtLoad<Roll> made;

Roll& roll() noexcept {
  Roll& all = made();
  if (all.generation != fork_generation()) {
    all.generation = fork_generation();
    all.resting.clear();
  }
  return all;
}

bool is_able(Roll& all, PyThreadState* thread) noexcept {
  if (std::ranges::find(all.counted_out, PyThreadState_GetID(thread)) != all.counted_out.end()) return false;
  for (const Rest* rest : all.resting) {
    if (rest->thread() == thread) return !rest->lasts();
  }
  return true;
}

template <typename Visit>
void for_each_able_thread(Visit visit) noexcept {
  Roll& all = roll();
  PyThreadState* const mine = PyThreadState_Get();
  PyThreadState* thread = PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(mine));
  for (; thread != nullptr; thread = PyThreadState_Next(thread)) {
    if (thread != mine && is_able(all, thread) && !visit(*thread)) return;
  }
}

bool anybody_able() noexcept {
  bool found = false;
  for_each_able_thread([&](PyThreadState&) {
    found = true;
    return false;
  });
  return found;
}

// Threads that are known, but not those which other interpreters in this process have: these may come.
bool foreigner_lives() noexcept {
  PyThreadState* thread = PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(PyThreadState_Get()));
#if PY_VERSION_HEX >= 0x030B0000
  std::vector<unsigned long> known{PyThread_get_thread_native_id()};
  for (; thread != nullptr; thread = PyThreadState_Next(thread)) known.push_back(thread->native_thread_id);
  return foreign_thread_lives(known);
#else
  unsigned known = 0;
  for (; thread != nullptr; thread = PyThreadState_Next(thread)) ++known;
  return foreign_thread_lives(known);
#endif
}

void ring_one() noexcept {
  Roll& all = roll();
  for (Rest* rest : all.resting) {
    if (rest->lasts() && rest->ring()) return;
  }
}

// A thread's dictionary is cleared as one of the last things in its life: what lies there hears of its end.
void on_thread_end(PyObject*) noexcept {
  if (!interpreter_exits() && !anybody_able()) ring_one();
}

bool hear_of_end(PyThreadState& thread) noexcept {
  static PyObject* const name = PyUnicode_InternFromString("gevent.thread_end");
  if (thread.dict == nullptr) thread.dict = PyDict_New();
  if (name == nullptr || thread.dict == nullptr) return false;
  if (PyDict_GetItemWithError(thread.dict, name) != nullptr) return true;
  PyObject* const bell = PyCapsule_New(&thread, "gevent.thread_end", &on_thread_end);
  const bool placed = bell != nullptr && PyDict_SetItem(thread.dict, name, bell) == 0;
  Py_XDECREF(bell);
  return placed;
}

}  // namespace

void Rest::begin() noexcept {
  thread_ = PyThreadState_Get();
  Roll& all = roll();
  const bool alone = all.resting.empty();
  all.resting.push_back(this);
  if (!alone && !anybody_able()) ring_one();
}

void Rest::end() noexcept {
  if (thread_ == nullptr) return;
  thread_ = nullptr;
  std::erase(roll().resting, this);
}

bool others_may_come() noexcept {
  bool found = false;
  for_each_able_thread([&](PyThreadState& thread) {
    found = true;
    if (!hear_of_end(thread)) PyErr_Clear();  // no memory: then it is only heard of when somebody rests
    return true;
  });
  return found || foreigner_lives();
}

bool only_foreigners_may_come() noexcept { return !anybody_able(); }

void count_out_this_thread() noexcept { roll().counted_out.push_back(PyThreadState_GetID(PyThreadState_Get())); }

Stall::Stall(Loop& loop, bool rests) noexcept : loop_(loop), rests_(rests) {
  loop_.hold();
  loop_.stalls = true;
  if (rests_) ++loop_.idle_holds;
}

Stall::~Stall() {
  loop_.stalls = false;
  if (rests_) --loop_.idle_holds;
  if (!loop_.abandoned()) loop_.release();
}

}  // namespace gevent
