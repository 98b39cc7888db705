// Waiting for descriptors that somebody may close meanwhile.
//
// Any number of greenlets, of any thread, may wait for one descriptor, each in its own call; closing it through
// end_descriptor_waits() wakes them all with an error. (parking.h's park_on_fd() is enough where nobody else closes.)
// A thread without a hub waits as a whole, and gets none; it notices a close a tenth of a second later at most.
#pragma once
#include <Python.h>

#include <span>

#include "base/intrusive_list.h"
#include "python/hub/signal_delivery.h"
#include "python/wait/parking.h"

namespace gevent {

// One descriptor of a wait_for_any() and what was found.
struct AwaitedDescriptor {
  int fd;
  int events;  // kRead, kWrite
  bool ready = false;
};

// A whole thread that waits: it has no hub, and gets none. Lives on its C stack, which it does not leave.
class WaitingThread final : public ListNode {
 public:
  explicit WaitingThread(std::span<AwaitedDescriptor> all) noexcept;

  // Waits until one is ready, at most `timeout_s` seconds, with the GIL released. kWoken with none ready: a signal's
  // handler has made a hub for the thread, which is to wait with its loop from here on.
  Parked wait(double timeout_s) noexcept;
  // Whatever the thread waited in has returned: kFailed + exception if it must not go on.
  Parked returned() noexcept;

  // `fd`, if it is among them, is about to be closed.
  void end(int fd) noexcept;

 private:
  std::span<AwaitedDescriptor> all_;
  bool closed_ = false;
};

// Waits until `fd` is ready for `events`, at most `timeout_s` seconds (negative: no limit), as far as the loop knows:
// for callers who will try, or leave that to theirs. kFailed when it is closed meanwhile: OSError (EBADF).
Parked wait_for_descriptor(int fd, int events, double timeout_s) noexcept;

// Waits until at least one of `all` is ready, at most `timeout_s` seconds; marks those that are. Looks first, so that
// nothing is registered with a loop, and no hub made, when something is ready or `timeout_s` is 0; but lets others run
// in any case unless it is 0. kWoken with nothing marked: somebody called look_again_at_descriptor(). A number that is
// no open descriptor counts as ready, as it does for poll(2). `all` may be on a C stack: only the caller touches it.
Parked wait_for_any(std::span<AwaitedDescriptor> all, double timeout_s) noexcept;

// Whether the caller is the only thread of this interpreter, and without a hub: while it waits nobody else can do
// anything, so that it may as well wait in the system call that it waits for.
[[nodiscard]] bool waits_alone() noexcept;
// Requires: waits_alone(). Makes `call()`, a system call on `fd` that may wait, without the GIL. If that returns false,
// since a signal has ended it, handlers run; before it, those that were kept. kFailed: one raised, or closed `fd`,
// which is OSError (EBADF).
template <typename Call>
Parked wait_alone(int fd, Call call) noexcept {
  AwaitedDescriptor one{fd, kRead};
  WaitingThread thread(std::span(&one, 1));
  bool done;
  if (!call_handlers_in_wait()) return kFailed;
  Py_BEGIN_ALLOW_THREADS;
  done = call();
  Py_END_ALLOW_THREADS;
  return done ? kWoken : thread.returned();
}

// Ends the waits for `fd` that began here, as if it were ready: there may be another way now to come by what it brings.
void look_again_at_descriptor(int fd) noexcept;

// `fd` is about to be closed: ends all waits for it that began here.
void end_descriptor_waits(int fd) noexcept;
// The same, and for everybody else who waits for it in the calling thread's loop: watchers of users, select().
void end_all_waits(int fd) noexcept;

// In a child whose hub was abandoned: those who waited are gone.
void forget_descriptor_waits() noexcept;

}  // namespace gevent
