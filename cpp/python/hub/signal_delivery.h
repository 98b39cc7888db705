// Where Python's handlers of signals run, and who hears of what they raise.
//
// Python calls a handler between two instructions of whatever greenlet runs in the main thread. A program expects what
// it has without gevent: the handler interrupts the main thread's own code, which may wait in it, and which hears of
// what it raises. So:
//
//   in the hub, or in a greenlet below it
//       The main greenlet, which waits, is switched to and calls the handler in the middle of its wait. A greenlet that
//       was interrupted so goes on when the handler returns, before anybody else runs; if the handler waits, or raises,
//       in its turn.
//   there, but the main greenlet does not wait by parking
//       In the hub, the handler gets a greenlet of its own, started at once. Below it, the handler runs right where
//       Python called it. What it raises is not that greenlet's, and is thrown into the main greenlet.
//   anywhere else: in the main greenlet itself, in greenlets of which the hub does not know
//       As Python has it; unless the greenlet holds handlers back, for as long as something is half done that nobody
//       could undo. While it waits they run all the same.
//
// The frame that the handler gets is that of what was interrupted; the main greenlet's if it was the hub.
#pragma once
#include <Python.h>

#include "python/object/greenlet_object.h"
#include "sync/waiter.h"

namespace gevent {

// handler(signalnum, frame), after which those are woken who wait for any handler to have run. Returns what it does.
PyObject* call_signal_handler(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept;
WaitQueue& waiting_for_signal_handlers() noexcept;

// Calls handler(signalnum, frame) by the rules above. Returns None, or nullptr + exception in the caller when that is
// who has to hear of it. Everything is borrowed.
PyObject* deliver_signal(PyObject* handler, PyObject* signalnum, PyObject* frame) noexcept;

// Between these two, handlers that would interrupt the calling greenlet are kept. For few instructions, and once at a
// time: false if the caller does so already, or another greenlet, or if no handler would run in it; then it does not
// release them. release_handlers() returns what is to be done now, a list of (handler, signalnum, frame), or nullptr +
// exception; an empty one if the caller holds nothing back.
bool hold_handlers() noexcept;
PyObject* release_handlers() noexcept;
// In a forked child: nobody holds anything back, and what was kept is the parent's.
void forget_held_handlers() noexcept;

// Whether `greenlet`, which is about to wait, has kept handlers; call_kept_handlers() calls those of the caller now, up
// to the first that raises: false + exception. It goes on holding back.
[[nodiscard]] bool has_kept_handlers(const PyGreenlet* greenlet) noexcept;
[[nodiscard]] bool call_kept_handlers() noexcept;
// For who waits with its whole thread, before it falls asleep and when it may have been woken by a signal: handlers
// run, kept or new. False + exception if one has raised.
[[nodiscard]] bool call_handlers_in_wait() noexcept;

// While one lives, handlers run: the caller waits with its whole thread, or is a handler itself.
class HandlersInWait {
 public:
  HandlersInWait() noexcept;
  HandlersInWait(const HandlersInWait&) = delete;
  HandlersInWait& operator=(const HandlersInWait&) = delete;
  ~HandlersInWait();

 private:
  PyGreenlet* holder_;
};

// Raises the exception that is set now, which a handler left, in the main greenlet of the current hub. Comes back when
// that gives up control. Returns None, or nullptr + exception.
PyObject* raise_in_main_greenlet() noexcept;

}  // namespace gevent
