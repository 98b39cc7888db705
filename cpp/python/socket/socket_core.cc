#include "python/socket/socket_core.h"

#include <poll.h>

#include <cerrno>

#include "base/clock.h"
#include "python/hub/hub_state.h"
#include "python/wait/parking.h"
#include "python/wait/spinning.h"

namespace gevent {
namespace {

void refuse_second_waiter(int event) noexcept {
  if (PyObject* type = gevent_exception("ConcurrentObjectUseError"); type != nullptr)
    PyErr_Format(type, "This socket is already used by another greenlet: it waits until the socket is %s",
                 event == kRead ? "readable" : "writable");
}

// A watcher somebody is parked on is looked at once more when that greenlet runs again, if it ever does.
void drop(std::unique_ptr<Io>& io) noexcept {
  if (io == nullptr) return;
  io->stop();
  if (io_in_use(*io)) {
    io.release();  // NOLINT(bugprone-unused-return-value): kept for the parked greenlet, see above
  } else {
    io.reset();
  }
}

}  // namespace

double Patience::begin_wait() noexcept {
  if (timeout_s_ < 0) return -1;
  if (!waited_) {
    waited_ = true;
    deadline_s_ = Clock::now_s() + timeout_s_;
    return timeout_s_;
  }
  const double left = deadline_s_ - Clock::now_s();
  return left > 0 ? left : 0;
}

SocketCore::~SocketCore() {
  part();
  drop(read_);
  drop(write_);
}

Parked SocketCore::park(int event, Patience& patience) noexcept {
  Loop* loop = current_loop();
  if (loop == nullptr) return kFailed;
  std::unique_ptr<Io>& io = io_for(event);
  if (io != nullptr && io->loop() != loop) {
    if (io_in_use(*io) && io->loop() != nullptr && !io->loop()->abandoned()) {
      refuse_second_waiter(event);
      return kFailed;
    }
    drop(io);
  }
  if (io == nullptr) {
    io = std::make_unique<Io>(*loop, fd, event, nullptr, nullptr);
    io->set_ref(ref_);
  } else if (io_in_use(*io)) {
    refuse_second_waiter(event);
    return kFailed;
  }
  const double left_s = patience.begin_wait();
  return left_s == 0 ? kTimedOut : park_on(*io, left_s);
}

bool SocketCore::wait(int event, Patience& patience) noexcept {
  const Parked outcome = park(event, patience);
  if (outcome == kTimedOut) PyErr_SetString(PyExc_TimeoutError, "timed out");
  return outcome == kWoken;
}

bool SocketCore::wait_before_receiving(Patience& patience) noexcept {
  // When time is over there may be something all the same, and then it is not too late.
  if (park(kRead, patience) != kFailed) return true;
  // In a callback of the hub's, which must not wait: here too.
  if (!PyErr_ExceptionMatches(gevent_exception("BlockingSwitchOutError"))) return false;
  PyErr_Clear();
  return true;
}

bool SocketCore::may_retry(int event, Patience& patience, int when_shut) noexcept {
  const int error = errno;
  if (error == EINTR) return PyErr_CheckSignals() == 0;
  const bool not_yet = error == EAGAIN || error == EWOULDBLOCK;
  if (not_yet && patience.none() && looked_in_vain() < 0) return false;
  if (!not_yet || patience.none()) {
    errno = error;
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  if (!wait(event, patience)) return false;
  if (fd >= 0 || when_shut == 0) return true;
  errno = when_shut;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

bool SocketCore::anybody_waits(int events) const noexcept {
  return ((events & kRead) != 0 && read_ != nullptr && io_in_use(*read_)) ||
         ((events & kWrite) != 0 && write_ != nullptr && io_in_use(*write_));
}

void SocketCore::cancel_waits(int events, PyObject* exception) noexcept {
  for (const int event : {kRead, kWrite}) {
    Io* io = io_for(event).get();
    if ((events & event) == 0 || io == nullptr) continue;
    if ((shut_ & event) != 0) {
      wake_io(*io);
    } else {
      fail_io(*io, exception);
    }
    io->forget();  // the kernel may hear of the descriptor no more once it is closed
  }
}

void SocketCore::wake_waits(int events) noexcept {
  for (const int event : {kRead, kWrite}) {
    if (Io* io = io_for(event).get(); (events & event) != 0 && io != nullptr) wake_io(*io);
  }
}

bool SocketCore::ended_unsaid() const noexcept {
#ifdef POLLRDHUP
  pollfd receiver{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return fd >= 0 && ::poll(&receiver, 1, 0) == 1 && (receiver.revents & POLLRDHUP) != 0;
#else
  return false;
#endif
}

void SocketCore::join(SocketCore& one, SocketCore& other) noexcept {
  one.other_end_ = &other;
  other.other_end_ = &one;
}

void SocketCore::part() noexcept {
  if (other_end_ == nullptr) return;
  other_end_->other_end_ = nullptr;
  other_end_ = nullptr;
}

void SocketCore::wake_other_end() noexcept {
  if (Io* io = other_end_->read_.get(); io != nullptr) wake_io(*io);
}

void SocketCore::forget() noexcept {
  part();
  for (Io* io : {read_.get(), write_.get()}) {
    if (io == nullptr) continue;
    io->stop();  // it may only be at rest
    io->forget();
  }
}

void SocketCore::set_ref(bool ref) noexcept {
  ref_ = ref;
  for (Io* io : {read_.get(), write_.get()}) {
    if (io != nullptr) io->set_ref(ref);
  }
}

}  // namespace gevent
