#include "python/wait/parked_greenlet.h"

#include <cmath>
#include <utility>
#include <vector>

#include "python/hub/bound_greenlets.h"
#include "python/hub/signal_delivery.h"
#include "python/hub/thread_end.h"
#include "python/object/greenlet_api.h"
#include "python/object/type_version.h"
#include "python/wait/spinning.h"

namespace gevent {
namespace {

// Guarded by the GIL. Grows to as many greenlets as ever waited at once, then no allocation is made any more.
ParkedGreenlet* free_list = nullptr;
std::vector<ParkedGreenlet*>& all_made() noexcept {
  static auto* all = new std::vector<ParkedGreenlet*>;  // never destroyed: threads may park until the very end
  return *all;
}

PyObject* empty_tuple() noexcept {
  static PyObject* tuple = PyTuple_New(0);
  return tuple;
}

// Calls greenlet.switch_out(), which a subclass may define to learn that it gives up control.
bool announce_switch_out(PyGreenlet* greenlet) noexcept {
  static PyTypeObject* raw = greenlet_type();
  static PyObject* name = PyUnicode_InternFromString("switch_out");
  static unsigned int without = 0;  // the subclass that was found to have none last
  PyTypeObject* type = Py_TYPE(greenlet);
  if (type == raw || (without != 0 && version_of(type) == without)) [[likely]]
    return true;
  if (_PyType_Lookup(type, name) == nullptr) {
    without = version_of(type);
    return true;
  }
  PyObject* done = PyObject_CallMethodNoArgs(reinterpret_cast<PyObject*>(greenlet), name);
  Py_XDECREF(done);
  return done != nullptr;
}

}  // namespace

// Apart, so that who finds one made does without the registers that this needs.
[[gnu::noinline]] ParkedGreenlet* ParkedGreenlet::make_another() noexcept {
  auto* const made = new ParkedGreenlet;
  all_made().push_back(made);
  return made;
}

ParkedGreenlet* ParkedGreenlet::take(HubState& hub) noexcept {
  PyGreenlet* greenlet = PyGreenlet_GetCurrent();
  if (greenlet == nullptr) return nullptr;
  if (greenlet == hub.greenlet) {
    Py_DECREF(greenlet);
    if (PyObject* type = gevent_exception("BlockingSwitchOutError"); type != nullptr)
      PyErr_SetString(type, "Impossible to call blocking function in the event loop callback");
    return nullptr;
  }
  ParkedGreenlet* parked = free_list;
  if (parked != nullptr) {
    free_list = parked->next_free_;
  } else {
    parked = make_another();
  }
  parked->hub_ = &hub;
  parked->loop_ = hub.loop;
  ++hub.loop->waiters;
  parked->greenlet_ = greenlet;
  parked->state_ = State::kParked;
  parked->timed_out_ = false;
  parked->timer_rang_late_ = false;
  parked->cookie = nullptr;
  return parked;
}

void ParkedGreenlet::give_back() noexcept {
  Py_CLEAR(greenlet_);
  Py_CLEAR(error_);
  next_free_ = free_list;
  free_list = this;
}

void ParkedGreenlet::make_ready(State reason) noexcept {
  if (state_ != State::kParked) return;
  state_ = reason;
  timed_out_ = reason == State::kTimedOut;
  unlink();
  if (handles_signal_) [[unlikely]]
    return;  // it looks at its state before it waits on
  position_ = loop_->ready.push({&resume_parked, this, nullptr});
  loop_->wake_up_if_blocked();
}

ParkedGreenlet* ParkedGreenlet::of(const PyGreenlet* greenlet) noexcept {
  for (ParkedGreenlet* each : all_made()) {
    if (each->greenlet_ == greenlet && !each->handles_signal_ && each->state_ != State::kResumed) return each;
  }
  return nullptr;
}

PyObject* ParkedGreenlet::interrupt(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept {
  PyObject* const caller = current_greenlet();
  if (caller == nullptr) return nullptr;
  const bool by_hub = caller == reinterpret_cast<PyObject*>(hub_->greenlet);
  PyObject* const signal =
      PyTuple_Pack(4, handler, signalnum, frame == nullptr ? Py_None : frame, by_hub ? Py_None : caller);
  Py_DECREF(caller);
  ParkedGreenlet* const parked_caller = by_hub || signal == nullptr ? nullptr : take(*hub_);
  if (signal == nullptr) return nullptr;
  signal_ = signal;
  if (state_ != State::kParked) loop_->ready.cancel(position_);
  PyGreenlet* const greenlet = greenlet_;
  Py_INCREF(greenlet);
  bool failed;
  if (by_hub) {
    PyObject* const arrived = PyGreenlet_Switch(greenlet, empty_tuple(), nullptr);
    failed = arrived == nullptr;
    Py_XDECREF(arrived);
  } else {
    parked_caller->yield();
    failed = parked_caller->wait(greenlet) == kFailed;
  }
  Py_DECREF(greenlet);
  return failed ? nullptr : Py_NewRef(Py_None);
}

// In the greenlet, which was switched to for this; returns what it is switched to with next.
PyObject* ParkedGreenlet::handle_signal(PyObject* arrived) noexcept {
  Py_XDECREF(arrived);
  PyObject* const signal = std::exchange(signal_, nullptr);
  PyObject* frame = PyTuple_GET_ITEM(signal, 2);
  auto* const own_frame = reinterpret_cast<PyObject*>(PyEval_GetFrame());
  if (frame == Py_None && own_frame != nullptr) frame = own_frame;
  handles_signal_ = true;
  PyObject* const result = call_signal_handler(PyTuple_GET_ITEM(signal, 0), PyTuple_GET_ITEM(signal, 1), frame);
  handles_signal_ = false;
  PyObject* const interrupted = PyTuple_GET_ITEM(signal, 3);
  PyObject* next = nullptr;
  if (result != nullptr && state_ == State::kParked) {
    next =
        interrupted != Py_None ? switch_to_ready(reinterpret_cast<PyGreenlet*>(interrupted)) : hand_over(*hub_, this);
  } else if (result != nullptr) {
    state_ = State::kResumed;
    next = Py_NewRef(empty_tuple());
  }
  Py_XDECREF(result);
  Py_DECREF(signal);
  return next;
}

// Those that came when it could not be interrupted, and now can. Then it waits, unless it was woken meanwhile.
PyObject* ParkedGreenlet::handle_kept_signals() noexcept {
  handles_signal_ = true;
  const bool done = call_kept_handlers();
  handles_signal_ = false;
  if (!done) return nullptr;
  if (state_ == State::kParked) return hand_over(*hub_, this);
  state_ = State::kResumed;
  return Py_NewRef(empty_tuple());
}

// Before its turn, if it is ready; otherwise to whoever is next.
PyObject* ParkedGreenlet::switch_to_ready(PyGreenlet* greenlet) noexcept {
  ParkedGreenlet* const other = of(greenlet);
  if (other == nullptr || other->state_ == State::kParked) return hand_over(*hub_, this);
  loop_->ready.cancel(other->position_);
  other->state_ = State::kResumed;
  return PyGreenlet_Switch(greenlet, empty_tuple(), nullptr);
}

// Not if a time limit has passed meanwhile: nothing would end the wait.
bool ParkedGreenlet::take_back() noexcept {
  if (state_ != State::kWoken || timer_rang_late_ || error_ != nullptr) return false;
  loop_->ready.cancel(position_);
  state_ = State::kParked;
  return true;
}

void ParkedGreenlet::fail(PyObject* exception) noexcept {
  if (state_ == State::kResumed || error_ != nullptr) return;
  error_ = Py_NewRef(exception);  // also if it is ready already: what it was woken for is there no more
  make_ready(State::kWoken);
}

void ParkedGreenlet::on_timer(Watcher& watcher, int) noexcept {
  auto* parked = static_cast<ParkedGreenlet*>(watcher.owner);
  if (parked->state_ == State::kWoken) parked->timer_rang_late_ = true;
  parked->make_ready(State::kTimedOut);
}

void ParkedGreenlet::on_io(Watcher& watcher, int) noexcept {
  if (watcher.owner == nullptr) return watcher.stop();  // at rest: nobody wants to know
  static_cast<ParkedGreenlet*>(watcher.owner)->make_ready(State::kWoken);
}

// Time limits count from now, not from when the loop last looked at its clock.
void ParkedGreenlet::update_now() noexcept {
  if (!hub_->loop_stands_in) [[likely]] {
    loop_->update_now();
    return;
  }
  PyObject* loop = PyObject_GetAttrString(reinterpret_cast<PyObject*>(hub_->greenlet), "loop");
  PyObject* done = loop == nullptr ? nullptr : PyObject_CallMethod(loop, "update_now", nullptr);
  if (done == nullptr) PyErr_WriteUnraisable(loop);
  Py_XDECREF(done);
  Py_XDECREF(loop);
}

void ParkedGreenlet::start_timer(double seconds, bool ref) noexcept {
  update_now();
  timer_.emplace(*loop_, seconds, 0.0, &on_timer, this);
  if (!ref) timer_->set_ref(false);
  timer_->start();
}

void ParkedGreenlet::watch(Io& io) noexcept {
  io_ = &io;
  io.callback = &on_io;
  io.owner = this;
  io.start();
}

void ParkedGreenlet::watch_fd(int fd, int events) noexcept {
  own_io_.emplace(*loop_, fd, events, &on_io, this);
  own_io_->start();
}

void ParkedGreenlet::leave_all() noexcept {
  unlink();
  if (timer_) timer_.reset();
  if (own_io_) own_io_.reset();
  if (io_ != nullptr) {
    io_->rest();
    io_->owner = nullptr;
    io_ = nullptr;
  }
  if (state_ == State::kWoken || state_ == State::kTimedOut) loop_->ready.cancel(position_);
  --loop_->waiters;
  state_ = State::kResumed;
}

void ParkedGreenlet::leave_behind() noexcept {
  for (ParkedGreenlet* each : all_made()) {
    if (each->greenlet_ != nullptr && is_left_behind(each->greenlet_)) each->leave_all();
  }
}

// Switches to whoever is next; `self` is the caller's parked object if it has one. Coming back to `self` at once,
// because nobody else is ready, takes no switch at all.
PyObject* hand_over(HubState& hub, ParkedGreenlet* self) noexcept {
  forget_looks();
  if (hub.hub_passes == 0 && hub.loop != nullptr) {
    ReadyQueue& ready = hub.loop->ready;
    const ReadyEntry* next = ready.peek();
    if (next != nullptr && next->run == &resume_parked && hub.loop->may_run_another()) {
      auto* other = static_cast<ParkedGreenlet*>(ready.pop().target);
      other->state_ = ParkedGreenlet::State::kResumed;
      if (other == self) return Py_NewRef(empty_tuple());
      return PyGreenlet_Switch(other->greenlet_, empty_tuple(), nullptr);
    }
  }
  return PyGreenlet_Switch(hub.greenlet, empty_tuple(), nullptr);
}

PyObject* switch_away_to_hub(HubState& hub) noexcept {
  PyGreenlet* current = PyGreenlet_GetCurrent();
  if (current == nullptr) return nullptr;
  const bool willing = announce_switch_out(current);
  Py_DECREF(current);
  return willing ? hand_over(hub, nullptr) : nullptr;
}

Parked ParkedGreenlet::wait(PyGreenlet* first) noexcept {
  // From here to its return this C stack may be anywhere: only members, no locals, are seen by others.
  PyObject* arrived = nullptr;
  if (announce_switch_out(greenlet_)) {
    if (has_kept_handlers(greenlet_)) [[unlikely]]
      arrived = handle_kept_signals();
    else
      arrived = first == nullptr ? hand_over(*hub_, this) : PyGreenlet_Switch(first, empty_tuple(), nullptr);
  }
  while (signal_ != nullptr) [[unlikely]]
    arrived = handle_signal(arrived);
  const bool in_turn = state_ == State::kResumed;
  leave_all();
  Parked outcome = timed_out_ ? kTimedOut : kWoken;
  if (arrived == nullptr) {
    outcome = kFailed;
  } else if (!in_turn) {
    if (PyObject* type = gevent_exception("InvalidSwitchError"); type != nullptr)
      PyErr_Format(
          type,
          "Invalid switch into %R: it waits in gevent, and was switched to with %R by somebody who did not wake it",
          greenlet_, arrived);
    outcome = kFailed;
  } else if (error_ != nullptr) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error_)), error_);
    outcome = kFailed;
  }
  Py_XDECREF(arrived);
  if (outcome == kFailed) {
    // Dropping references may run Python code, which must not see or disturb the exception that is set.
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    give_back();
    PyErr_Restore(type, value, traceback);
  } else {
    give_back();
  }
  return outcome;
}

void resume_parked(void* target, void*) noexcept {
  forget_looks();
  auto* parked = static_cast<ParkedGreenlet*>(target);
  parked->state_ = ParkedGreenlet::State::kResumed;
  PyGreenlet* greenlet = parked->greenlet_;
  Py_INCREF(greenlet);
  PyObject* arrived = PyGreenlet_Switch(greenlet, empty_tuple(), nullptr);
  if (arrived == nullptr) report_failed_switch(greenlet);
  Py_XDECREF(arrived);
  Py_DECREF(greenlet);
}

// ---- parking.h ----------------------------------------------------------------------------------------------------

namespace {

ParkedGreenlet* take_for_caller(double seconds) noexcept {
  if (!is_number(seconds)) [[unlikely]]
    return nullptr;
  HubState* hub = require_hub_state();
  return hub == nullptr ? nullptr : ParkedGreenlet::take(*hub);
}

}  // namespace

bool is_number(double seconds) noexcept {
  if (!std::isnan(seconds)) return true;
  PyErr_SetString(PyExc_ValueError, "Invalid value NaN (not a number)");
  return false;
}

bool has_no_time(double timeout_s) noexcept { return timeout_s == 0 && in_hub(); }

Parked park_in(WaitQueue& queue, double timeout_s, void* cookie) noexcept {
  if (has_no_time(timeout_s)) return kTimedOut;
  ParkedGreenlet* parked = take_for_caller(timeout_s);
  if (parked == nullptr) return kFailed;
  parked->cookie = cookie;
  queue.enqueue(*parked);
  if (timeout_s >= 0) parked->start_timer(timeout_s, true);
  return parked->wait();
}

Parked park_first_in(WaitQueue& queue, double timeout_s, void* cookie) noexcept {
  if (has_no_time(timeout_s)) return kTimedOut;
  ParkedGreenlet* parked = take_for_caller(timeout_s);
  if (parked == nullptr) return kFailed;
  parked->cookie = cookie;
  queue.enqueue_first(*parked);
  if (timeout_s >= 0) parked->start_timer(timeout_s, true);
  return parked->wait();
}

Parked sleep_for(double seconds, bool ref) noexcept {
  if (seconds <= 0 && interpreter_exits()) [[unlikely]]
    return kTimedOut;
  ParkedGreenlet* parked = take_for_caller(seconds);
  if (parked == nullptr) [[unlikely]] {
    if (!(seconds <= 0) || !in_hub()) return kFailed;
    PyErr_Clear();
    return kTimedOut;
  }
  if (seconds > 0) {
    parked->start_timer(seconds, ref);
  } else {
    parked->yield();
  }
  return parked->wait();
}

Parked park_on(Io& io, double timeout_s) noexcept {
  ParkedGreenlet* parked = take_for_caller(timeout_s);
  if (parked == nullptr) return kFailed;
  parked->watch(io);
  if (timeout_s >= 0) parked->start_timer(timeout_s, true);
  return parked->wait();
}

bool io_in_use(const Io& io) noexcept { return io.owner != nullptr; }

void fail_io(Io& io, PyObject* exception) noexcept {
  if (io.owner != nullptr) static_cast<ParkedGreenlet*>(io.owner)->fail(exception);
}

void wake_io(Io& io) noexcept {
  if (io.owner == nullptr || io.loop() == nullptr || io.loop()->abandoned()) return;
  static_cast<ParkedGreenlet*>(io.owner)->wake();
}

Parked park_on_fd(int fd, int events, double timeout_s) noexcept {
  ParkedGreenlet* parked = take_for_caller(timeout_s);
  if (parked == nullptr) return kFailed;
  parked->watch_fd(fd, events);
  if (timeout_s >= 0) parked->start_timer(timeout_s, true);
  return parked->wait();
}

}  // namespace gevent
