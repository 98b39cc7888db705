// One greenlet that waits. The functions of parking.h make, wait on and give back these.
#pragma once
#include <optional>

#include "python/hub/hub_state.h"
#include "python/wait/parking.h"

namespace gevent {

// Lives in a pool. Holds a reference to its greenlet as long as that waits, so a waiting greenlet is never collected,
// and after a fork whose child abandons its hub, never unwound either.
class ParkedGreenlet final : public Waiter {
 public:
  // For the calling greenlet; nullptr + exception if that is the hub itself. Ends with wait().
  static ParkedGreenlet* take(HubState& hub) noexcept;

  void wake() noexcept override { make_ready(State::kWoken); }
  bool take_back() noexcept override;
  [[nodiscard]] bool stale() const noexcept override { return loop_->abandoned(); }

  // The one in which `greenlet` waits now; nullptr when it does not, or waits otherwise. Looks at all there are.
  static ParkedGreenlet* of(const PyGreenlet* greenlet) noexcept;
  // Has the waiting greenlet call handler(signalnum, frame) at once, in the middle of its wait; then it waits on,
  // unless it was woken meanwhile, or the handler has raised: wait() returns kFailed. `frame` nullptr: its own. A
  // caller other than the hub goes on as soon as the handler has returned without waiting, or else in its turn; the
  // hub, when the greenlet gives up control. None, or nullptr + exception. Requires: of(). Borrows.
  PyObject* interrupt(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept;

  // Wakes it with an exception (borrowed instance): wait() returns kFailed.
  void fail(PyObject* exception) noexcept;

  void start_timer(double seconds, bool ref) noexcept;
  void watch(Io& io) noexcept;                 // the caller's watcher
  void watch_fd(int fd, int events) noexcept;  // one of this object's own
  // Puts it on the ready queue at once: it runs again after all that is ready now.
  void yield() noexcept { make_ready(State::kTimedOut); }

  // In a forked child: those of greenlets that is_left_behind() leave every queue, and nothing wakes them any more.
  static void leave_behind() noexcept;

  // Lets others run, `first` (if any) before them, until woken, timed out or thrown into; leaves every queue; gives
  // this object back to the pool.
  Parked wait(PyGreenlet* first = nullptr) noexcept;

 private:
  // kWoken, kTimedOut: on the ready queue, for that reason. kResumed: taken off it, about to run.
  enum class State : unsigned char { kParked, kWoken, kTimedOut, kResumed };

  friend void resume_parked(void* target, void* argument) noexcept;

  ParkedGreenlet() = default;
  ~ParkedGreenlet() = default;
  static ParkedGreenlet* make_another() noexcept;

  friend PyObject* hand_over(HubState& hub, ParkedGreenlet* self) noexcept;
  static void on_timer(Watcher& watcher, int revents) noexcept;
  static void on_io(Watcher& watcher, int revents) noexcept;

  void update_now() noexcept;
  void make_ready(State reason) noexcept;
  void leave_all() noexcept;
  void give_back() noexcept;
  PyObject* handle_signal(PyObject* arrived) noexcept;
  PyObject* handle_kept_signals() noexcept;
  PyObject* switch_to_ready(PyGreenlet* greenlet) noexcept;

  HubState* hub_ = nullptr;
  Loop* loop_ = nullptr;
  PyGreenlet* greenlet_ = nullptr;
  PyObject* error_ = nullptr;
  Io* io_ = nullptr;
  ReadyQueue::Position position_ = 0;
  State state_ = State::kParked;
  bool timed_out_ = false;
  bool timer_rang_late_ = false;  // after the wake-up
  bool handles_signal_ = false;   // the greenlet runs a handler, and is not to be resumed here before its end
  PyObject* signal_ = nullptr;    // (handler, signalnum, frame, who was interrupted), to be called next
  std::optional<Timer> timer_;
  std::optional<Io> own_io_;
  ParkedGreenlet* next_free_ = nullptr;
};

// Gives up control on behalf of a greenlet that arranged its own wake-up: straight to the next parked greenlet that is
// ready, or to the hub. Returns what the caller is switched to with, or nullptr + exception.
PyObject* switch_away_to_hub(HubState& hub) noexcept;

// The ready entry of a parked greenlet: what a hub runs, and what another greenlet that parks may take instead.
void resume_parked(void* target, void* argument) noexcept;

}  // namespace gevent
