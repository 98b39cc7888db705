#include "python/wait/message_errand.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "ipc/framing.h"
#include "python/hub/hub_state.h"
#include "python/wait/message_exchange.h"
#include "python/wait/parking.h"

namespace gevent {
namespace {

// How often to look where there was no descriptor for a bell.
constexpr double kLookInterval_s = 0.002;

std::uint64_t takings = 0;
PyObject* left_hook = nullptr;

const void* caller() noexcept {
  PyObject* current = current_greenlet();
  Py_XDECREF(current);  // it lives, because it runs
  return current;
}

void let_go_of_spent() noexcept {
  for (void* each : Courier::get().take_spent()) Py_DECREF(static_cast<PyObject*>(each));
}

void call_left_hook() noexcept {
  if (left_hook == nullptr) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* const done = PyObject_CallNoArgs(left_hook);
  if (done == nullptr) PyErr_WriteUnraisable(left_hook);
  Py_XDECREF(done);
  PyErr_Restore(type, value, traceback);
}

// Until the errand has ended, or perhaps a little earlier. kFailed + exception.
Parked wait_for(const Errand& errand, double timeout_s) noexcept {
  Courier& courier = Courier::get();
  if (!courier.working()) {
    courier.step();
    if (courier.has_ended(errand)) return kWoken;
    const int events = errand.direction == Courier::Direction::kIn ? kRead : kWrite;
    const Parked parked = wait_for_descriptor(errand.fd, events, timeout_s);
    courier.step();
    return parked;
  }
  if (errand.bell) return wait_for_descriptor(errand.bell->fd(), kRead, timeout_s);
  const double seconds = timeout_s >= 0 && timeout_s < kLookInterval_s ? timeout_s : kLookInterval_s;
  return sleep_for(seconds, true) == kFailed ? kFailed : kTimedOut;
}

double left_of(double timeout_s, Nanoseconds start) noexcept {
  if (timeout_s < 0) return timeout_s;
  const double left = timeout_s - std::chrono::duration<double>(Clock::now() - start).count();
  return left > 0 ? left : 0;
}

// As wait_for_errand_of(), but 2 when `timeout_s` is over.
int wait_in_time(int fd, Courier::Direction direction, double timeout_s, std::shared_ptr<Errand>* arrived) noexcept {
  Courier& courier = Courier::get();
  const Nanoseconds start = Clock::now();
  while (const std::shared_ptr<Errand> errand = courier.find(fd, direction)) {
    if (!courier.has_ended(*errand)) {
      const double left = left_of(timeout_s, start);
      if (left == 0) return 2;
      if (wait_for(*errand, left) == kFailed) return -1;
      if (!courier.has_ended(*errand)) continue;
      if (errand->closed) {
        errno = EBADF;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
      }
    }
    if (arrived != nullptr && !errand->failed && courier.take(errand)) {
      *arrived = errand;
      return 1;
    }
  }
  let_go_of_spent();
  return 0;
}

}  // namespace

bool leave_incoming(const IncomingMessage& message, PyObject* payload) noexcept {
  try {
    Courier::get().receive(std::make_shared<Errand>(message, payload, Giver{caller(), takings}));
  } catch (const std::bad_alloc&) {
    return false;
  }
  look_again_at_descriptor(message.fd());
  call_left_hook();
  return true;
}

bool leave_outgoing(const OutgoingMessage& message) noexcept {
  try {
    Parcel parcel;
    parcel.bytes = message.rest();
    parcel.giver = {caller(), takings};
    Courier::get().send(message.fd(), std::move(parcel));
  } catch (const std::bad_alloc&) {
    return false;
  }
  call_left_hook();
  return true;
}

int send_or_leave(int fd, const void* data, std::size_t size, SharedSemaphore& lock, std::uint32_t maximum,
                  PyObject* keeper) noexcept {
  const FrameHeader header(size);
  OutgoingMessage message(fd, header.bytes(), data, size);
  const bool first = !is_sending(fd);
  const bool locked = first && lock.try_acquire();
  if (locked) {
    const Progress progress = message.advance();
    if (progress != Progress::kWait) {
      const int error = errno;
      static_cast<void>(lock.release(maximum));
      errno = error;
      if (progress == Progress::kDone) return 0;
      PyErr_SetFromErrno(PyExc_OSError);
      return -1;
    }
  }
  try {
    Parcel parcel;
    parcel.bytes = message.rest();
    Py_INCREF(keeper);
    auto held = Courier::get().lock_for_parcel(lock, maximum, keeper, locked);
    if (locked) {
      parcel.held.push_back(std::move(held));
    } else {
      parcel.lock = std::move(held);
    }
    Courier::get().send(fd, std::move(parcel));
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return -1;
  }
  let_go_of_spent();
  return 0;
}

int wait_for_errand_of(int fd, Courier::Direction direction, std::shared_ptr<Errand>* arrived) noexcept {
  return wait_in_time(fd, direction, -1.0, arrived);
}

PyObject* message_of(Errand& errand, std::int64_t size_max) noexcept {
  let_go_of_spent();
  auto* payload = static_cast<PyObject*>(std::exchange(errand.keeper, nullptr));
  const IncomingMessage& message = *errand.message;
  if (message.too_long() || (size_max >= 0 && message.size() > static_cast<std::uint64_t>(size_max))) {
    Py_XDECREF(payload);
    return Py_NewRef(Py_None);
  }
  if (payload != nullptr) return payload;
  return PyBytes_FromStringAndSize(errand.room.get(), static_cast<Py_ssize_t>(message.size()));
}

PyObject* receive_kept_message(int fd, double timeout_s) noexcept {
  std::shared_ptr<Errand> arrived;
  switch (wait_in_time(fd, Courier::Direction::kIn, timeout_s, &arrived)) {
    case -1:
      return nullptr;
    case 1:
      return message_of(*arrived, -1);
    default:
      return Py_NewRef(Py_None);
  }
}

Parked wait_for_messages(std::span<AwaitedDescriptor> all, double timeout_s) noexcept {
  const Nanoseconds start = Clock::now();
  std::vector<AwaitedDescriptor> awaited;
  std::vector<std::shared_ptr<Errand>> errands;
  for (;;) {
    awaited.assign(all.begin(), all.end());
    errands.clear();
    if (Courier::busy()) {
      if (!Courier::get().working()) Courier::get().step();
      for (AwaitedDescriptor& each : awaited) {
        const auto errand = each.events == kRead ? Courier::get().find(each.fd, Courier::Direction::kIn) : nullptr;
        if (errand == nullptr || !errand->bell) continue;
        each.fd = errand->bell->fd();
        errands.push_back(errand);
      }
    }
    const double left = left_of(timeout_s, start);
    const Parked parked = wait_for_any(awaited, left);
    if (parked == kFailed) return kFailed;
    bool any = false;
    for (std::size_t i = 0; i < all.size(); ++i) any |= all[i].ready = awaited[i].ready;
    if (any) return kWoken;
    if (parked == kTimedOut) return kTimedOut;
  }
}

void forget_errands_of(int fd) noexcept {
  if (!Courier::busy()) return;
  Courier::get().forget(fd);
  let_go_of_spent();
}

bool is_sending(int fd) noexcept {
  return Courier::busy() && Courier::get().find(fd, Courier::Direction::kOut) != nullptr;
}

int close_when_sent(int fd) noexcept {
  if (Courier::busy() && Courier::get().close_when_sent(fd)) return 0;
  return close_exchange(fd);
}

int finish_errands(double stalled_s) noexcept {
  Courier& courier = Courier::get();
  std::vector<std::shared_ptr<Errand>> given_up;
  for (;;) {
    std::shared_ptr<Errand> next;
    for (const std::shared_ptr<Errand>& each : courier.unfinished()) {
      if (std::find(given_up.begin(), given_up.end(), each) == given_up.end()) next = each;
    }
    if (next == nullptr) return 0;
    if (next->direction == Courier::Direction::kOut) {
      if (wait_for(*next, -1.0) == kFailed) return -1;
      continue;
    }
    const std::size_t before = courier.received(*next);
    const Nanoseconds start = Clock::now();
    while (!courier.has_ended(*next) && courier.received(*next) == before && left_of(stalled_s, start) > 0) {
      if (wait_for(*next, left_of(stalled_s, start)) == kFailed) return -1;
    }
    if (!courier.has_ended(*next) && courier.received(*next) == before) given_up.push_back(next);
  }
}

void set_left_hook(PyObject* callable) noexcept { left_hook = callable; }

std::uint64_t next_taking() noexcept { return ++takings; }

bool keep_lock(SharedSemaphore& semaphore, std::uint32_t maximum, PyObject* keeper, const void* owner,
               std::uint64_t taken_at) noexcept {
  Py_INCREF(keeper);
  const bool kept = Courier::get().defer_release(semaphore, maximum, keeper, owner, taken_at);
  // One that was not kept is on the list of the spent.
  let_go_of_spent();
  return kept;
}

}  // namespace gevent
