#include "python/wait/message_exchange.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/made_at_load.h"
#include "ipc/courier.h"
#include "ipc/framing.h"
#include "ipc/message.h"
#include "ipc/message_flow.h"
#include "ipc/transfer.h"
#include "python/hub/bound_greenlets.h"
#include "python/hub/hub_state.h"
#include "python/hub/signal_delivery.h"
#include "python/object/os_error.h"
#include "python/wait/kept_watch.h"
#include "python/wait/message_errand.h"
#include "python/wait/parking.h"

namespace gevent {
namespace {

using Direction = Courier::Direction;

void set_failure(const IncomingMessage& message) noexcept {
  switch (message.failure()) {
    case IncomingMessage::Failure::kSystem:
      errno = message.error();
      set_os_error();
      break;
    case IncomingMessage::Failure::kEndAmid:
      PyErr_SetString(PyExc_OSError, "got end of file during message");
      break;
    case IncomingMessage::Failure::kNoRoom:
      if (!PyErr_Occurred()) PyErr_NoMemory();
      break;
    case IncomingMessage::Failure::kEnd:
    case IncomingMessage::Failure::kNone:
      PyErr_SetNone(PyExc_EOFError);
      break;
  }
}

// A greenlet that is in the middle of a message: others who want the same direction stand in line. On the heap.
class Underway final : public HeldWhileParked {
 public:
  Underway(int fd, Direction direction) noexcept : fd_(fd), direction_(direction) { all().push_back(this); }
  Underway(const Underway&) = delete;
  Underway& operator=(const Underway&) = delete;
  ~Underway() { give_back(); }

  void give_back() noexcept override {
    std::erase(all(), this);
    line_.wake_all();
  }

  [[nodiscard]] bool closed() const noexcept { return *closed_; }

  // Waits until nobody is. 1: somebody was, look again; 0: nobody; -1 + exception.
  static int wait_for_others(int fd, Direction direction) noexcept {
    for (Underway* each : all()) {
      if (each->fd_ != fd || each->direction_ != direction) continue;
      const std::shared_ptr<bool> closed = each->closed_;
      if (park_in(each->line_, -1.0) == kFailed) return -1;
      return *closed ? set_closed_error() : 1;
    }
    return 0;
  }
  static void close(int fd) noexcept {
    for (Underway* each : all()) {
      if (each->fd_ != fd) continue;
      *each->closed_ = true;
      each->line_.wake_all();
    }
  }
  // Wakes nobody and frees nothing: the parent's greenlets, which never run here, still refer to it.
  static void forget() noexcept {
    for (Underway* each : all()) {
      while (Waiter* waiter = each->line_.front()) waiter->unlink();
    }
    all().clear();
  }

 private:
  // Few, mostly none. Guarded by the GIL.
  static inline const MadeAtLoad<std::vector<Underway*>> all;

  const int fd_;
  const Direction direction_;
  WaitQueue line_;
  std::shared_ptr<bool> closed_ = std::make_shared<bool>(false);  // outlives this, for those in line
};

// kWait: the first byte may be moved by now. kFailed + exception.
Progress wait_for_beginning(int fd, Direction direction) noexcept {
  const Parked parked = direction == Direction::kIn ? wait_to_read(fd) : wait_for_descriptor(fd, kWrite, -1.0);
  return parked == kFailed ? Progress::kFailed : Progress::kWait;
}

// Moves `message` on until it is done or fails. kWait: not a byte of it was there (or fitted); it may be by now, or
// somebody else may be at it. leave() is called when the greenlet is interrupted after the first byte.
template <typename Message, typename Advance, typename Leave>
Progress run(const Message& message, Direction direction, Advance advance, Leave leave) noexcept {
  const int events = direction == Direction::kIn ? kRead : kWrite;
  for (;;) {
    const Progress progress = advance();
    if (progress != Progress::kWait) return progress;
    if (!message.begun()) return wait_for_beginning(message.fd(), direction);
    const auto underway = std::make_unique<Underway>(message.fd(), direction);
    const bool interrupted = wait_for_descriptor(message.fd(), events, -1.0) == kFailed;
    if (underway->closed()) {
      // An exception is set if that woke us; the other case is that we were about to go on.
      if (!interrupted) set_closed_error();
      return Progress::kFailed;
    }
    if (interrupted) {
      leave();
      return Progress::kFailed;
    }
  }
}

// Waits until `direction` of `fd` is the caller's. 0; -1 + exception; 1: `arrived` is the next message already.
int wait_for_turn(int fd, Direction direction, std::shared_ptr<Errand>* arrived) noexcept {
  for (;;) {
    if (Courier::busy()) [[unlikely]] {
      const int outcome = wait_for_errand_of(fd, direction, arrived);
      if (outcome != 0) return outcome;
    }
    const int others = Underway::wait_for_others(fd, direction);
    if (others <= 0) return others;
  }
}

// Of who waits alone, and so of one thread.
constinit MessageFlow flow;

// Lets messages come. False if a signal's handler has raised.
bool pause_alone() noexcept {
  constexpr timespec kMoment{.tv_sec = 0, .tv_nsec = 20'000};
  Py_BEGIN_ALLOW_THREADS;
  ::nanosleep(&kMoment, nullptr);
  Py_END_ALLOW_THREADS;
  return call_handlers_in_wait();
}

// Waits for the first bytes of `message` in the call that takes them, as a program without gevent does, where nobody
// else could run meanwhile. kDone: advance() finds the rest, or that there is nothing yet.
Progress begin_alone(IncomingMessage& message) noexcept {
  Progress progress = Progress::kWait;
  const auto begin = [&] {
    const Nanoseconds started = Clock::now();
    progress = message.wait_for_beginning();
    if (progress == Progress::kDone) flow.waited((Clock::now() - started).count());
    return progress != Progress::kWait;
  };
  if (wait_alone(message.fd(), begin) == kFailed) return Progress::kFailed;
  return progress == Progress::kFailed ? Progress::kFailed : Progress::kDone;
}

PyObject* payload_of(const IncomingMessage& message, PyObject* payload) noexcept {
  if (!message.too_long()) return payload;
  Py_XDECREF(payload);
  return Py_NewRef(Py_None);
}

// A whole message as new bytes. `headless`: exactly so many bytes without a header.
PyObject* receive(int fd, std::int64_t size_max, std::int64_t headless) noexcept {
  const auto new_bytes = [](std::uint64_t size, PyObject*& payload) -> void* {
    if (size > static_cast<std::uint64_t>(PY_SSIZE_T_MAX)) return PyErr_NoMemory();
    payload = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
    return payload == nullptr ? nullptr : PyBytes_AS_STRING(payload);
  };
  for (bool is_first = true;; is_first = false) {
    std::shared_ptr<Errand> arrived;
    if (const int turn = wait_for_turn(fd, Direction::kIn, &arrived); turn != 0) {
      return turn < 0 ? nullptr : message_of(*arrived, size_max);
    }
    if (is_first && is_better_to_wait_first(fd)) {
      if (wait_to_read(fd) == kFailed) return nullptr;
      continue;
    }
    IncomingMessage message(fd);
    PyObject* payload = nullptr;
    if (headless >= 0) {
      void* const room = new_bytes(static_cast<std::uint64_t>(headless), payload);
      if (room == nullptr) return nullptr;
      message.expect(room, static_cast<std::size_t>(headless));
    }
    bool left = false;
    const auto advance = [&] {
      return message.advance(size_max, [&](std::uint64_t size) { return new_bytes(size, payload); });
    };
    const auto advance_waiting_alone = [&] {
      if (headless >= 0 || message.begun() || !waits_alone()) return advance();
      if (flow.flows()) {
        const Progress at_once = advance();
        if (at_once == Progress::kDone) flow.found();
        if (at_once != Progress::kWait || message.begun()) return at_once;
        if (flow.pays_to_pause() && !pause_alone()) return Progress::kFailed;
      }
      return begin_alone(message) == Progress::kFailed ? Progress::kFailed : advance();
    };
    const Progress progress =
        run(message, Direction::kIn, advance_waiting_alone, [&] { left = leave_incoming(message, payload); });
    if (is_first) has_asked(fd, progress != Progress::kWait);
    if (progress == Progress::kDone) return payload_of(message, payload);
    if (!left) Py_XDECREF(payload);
    if (progress == Progress::kFailed) {
      if (!PyErr_Occurred()) set_failure(message);
      return nullptr;
    }
  }
}

int send(int fd, std::span<const std::byte> header, const void* data, std::size_t size) noexcept {
  for (;;) {
    if (wait_for_turn(fd, Direction::kOut, nullptr) < 0) return -1;
    OutgoingMessage message(fd, header, data, size);
    const Progress progress =
        run(message, Direction::kOut, [&] { return message.advance(); }, [&] { leave_outgoing(message); });
    if (progress == Progress::kDone) return 0;
    if (progress == Progress::kFailed) return PyErr_Occurred() ? -1 : set_os_error();
  }
}

}  // namespace

PyObject* receive_message(int fd, std::int64_t size_max) noexcept { return receive(fd, size_max, -1); }

PyObject* receive_bytes(int fd, std::size_t size) noexcept { return receive(fd, -1, static_cast<std::int64_t>(size)); }

int send_message(int fd, const void* data, std::size_t size) noexcept {
  const FrameHeader header(size);
  return send(fd, header.bytes(), data, size);
}

int send_bytes(int fd, const void* data, std::size_t size) noexcept { return send(fd, {}, data, size); }

int close_exchange(int fd) noexcept {
  end_descriptor_waits(fd);
  Underway::close(fd);
  forget_errands_of(fd);
  forget_kind_of(fd);
  return ::close(fd) == 0 ? 0 : set_os_error();
}

void forget_exchanges() noexcept { Underway::forget(); }

int yield_if_turn_is_over() noexcept {
  const HubState* const hub = hub_state_with_loop();
  return hub == nullptr || hub->loop->may_run_another() ? 0 : yield_turn();
}

int yield_turn() noexcept { return in_hub_or_without() || sleep_for(0, true) != kFailed ? 0 : -1; }

}  // namespace gevent
