// Whole messages over a descriptor, for greenlets that take turns.
//
// A message that has begun is finished, whoever is killed meanwhile. A greenlet that is interrupted (kill, Timeout)
// after its first byte leaves the rest to the courier, with the locks that it holds: ipc/courier.h has the rules,
// message_errand.h what they mean for greenlets. Interrupted before the first byte, it has taken or sent nothing. While
// one is in the middle of a message, others who want the same direction stand in line.
//
// How not to wait is in ipc/transfer.h, what a message looks like in ipc/framing.h. All functions need the GIL; `fd` is
// closed by close_exchange() only.
#pragma once
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace gevent {

// The next message, as new bytes; None if it has more than `size_max` bytes (negative: no limit); nullptr + EOFError at
// the end of the stream, + OSError for one that ends amid a message or is closed meanwhile.
PyObject* receive_message(int fd, std::int64_t size_max) noexcept;

// 0, or -1 with an exception. `data` is read until it returns and must not be on the C stack.
int send_message(int fd, const void* data, std::size_t size) noexcept;

// Bytes without a header: exactly `size` of them, or what receive_message() raises at the end; all of them, or OSError.
PyObject* receive_bytes(int fd, std::size_t size) noexcept;
int send_bytes(int fd, const void* data, std::size_t size) noexcept;

// Wakes everybody who waits for `fd` with OSError, forgets what was under way, closes it. 0, or -1 with OSError.
int close_exchange(int fd) noexcept;

// In a child whose hub was abandoned: what was going on is the parent's.
void forget_exchanges() noexcept;

// Lets others run if the caller has had the loop's turn for long; for those who may find work without end without ever
// having to wait. Does nothing in the hub and in a thread without one. 0, or -1 with what was thrown in.
int yield_if_turn_is_over() noexcept;
// The same for those whose every step is long.
int yield_turn() noexcept;

}  // namespace gevent
