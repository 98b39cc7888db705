// Errands (ipc/courier.h) for greenlets: how a message is left, waited for and taken. All functions need the GIL.
#pragma once
#include <Python.h>

#include <cstdint>
#include <memory>
#include <span>

#include "ipc/courier.h"
#include "python/wait/descriptor_wait.h"

namespace gevent {

// The caller leaves what it is in the middle of. An exception that is set stays set. `payload`, the bytes that the
// message has its room in, or nullptr, is the courier's from now on if the result is true: false, if there is no
// memory.
bool leave_incoming(const IncomingMessage& message, PyObject* payload) noexcept;
bool leave_outgoing(const OutgoingMessage& message) noexcept;

// Waits for what the courier does with `direction` of `fd`. 0: nothing any more. 1: a message had arrived and is now
// the caller's, in `*arrived`. -1 + exception; OSError when `fd` was closed meanwhile.
int wait_for_errand_of(int fd, Courier::Direction direction, std::shared_ptr<Errand>* arrived) noexcept;
// New bytes; None if it is too long. nullptr + exception.
PyObject* message_of(Errand& errand, std::int64_t size_max) noexcept;

// The message at the front of `fd`, arrived by errand, as new bytes; waits for it up to `timeout_s` seconds (negative:
// no limit) if it is on its way. None if there is none, or not in time. nullptr + exception.
PyObject* receive_kept_message(int fd, double timeout_s) noexcept;
// Whether there may be one, for any descriptor.
[[nodiscard]] inline bool messages_may_be_kept() noexcept { return Courier::busy(); }

// As wait_for_any(), where a descriptor whose next message comes by errand is ready when that has arrived.
Parked wait_for_messages(std::span<AwaitedDescriptor> all, double timeout_s) noexcept;

// The descriptor is about to be closed.
void forget_errands_of(int fd) noexcept;

// Sends one message, with `lock` taken for it. Does not wait: what cannot be done at once the courier does, in the
// order of the calls, also while this process computes. `keeper` keeps `lock`. 0, or -1 with OSError if it fails at
// once.
int send_or_leave(int fd, const void* data, std::size_t size, SharedSemaphore& lock, std::uint32_t maximum,
                  PyObject* keeper) noexcept;

// Whether something is being sent to `fd` by errand.
[[nodiscard]] bool is_sending(int fd) noexcept;
// Closes `fd` when that has ended, or now.
int close_when_sent(int fd) noexcept;

// Before the process exits: waits for what is being sent, and for what is being received under a lock as long as bytes
// come: not longer than `stalled_s` seconds for the next. 0, or -1 with what was thrown in.
int finish_errands(double stalled_s) noexcept;
// Borrowed for ever; called, without arguments, when a message is left.
void set_left_hook(PyObject* callable) noexcept;

// -- locks --

// A number for the next lock that is taken: higher than any before.
std::uint64_t next_taking() noexcept;
// Whether a lock that is given back may have to be kept.
[[nodiscard]] inline bool locks_may_be_kept() noexcept { return Courier::busy(); }
// `owner` took `semaphore` at `taken_at` and gives it back now. True: an errand keeps it, and `keeper`, for the time
// being; false: the caller gives it back.
bool keep_lock(SharedSemaphore& semaphore, std::uint32_t maximum, PyObject* keeper, const void* owner,
               std::uint64_t taken_at) noexcept;

}  // namespace gevent
