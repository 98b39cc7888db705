// Waiting to read from one descriptor again and again.
//
// A server that has answered waits for the next request. To tell the loop of the descriptor each time, and to ask first
// for what is not there yet, takes three system calls of seven. So the loop goes on watching it between the waits
// (Io::rest()), and who has asked in vain twice in a row waits before he asks.
//
// Only for descriptors of which end_descriptor_waits() hears before they are closed: it ends these waits as well, and
// what is known here is forgotten. Where another file comes to the number in other ways (dup2(), a close() by C code),
// a wait may end a second late, and no more than one. All functions need the GIL.
#pragma once
#include "python/wait/parking.h"

namespace gevent {

// Whether to wait for `fd` before asking it. False in a hub and in a thread without one, where nobody can wait.
[[nodiscard]] bool is_better_to_wait_first(int fd) noexcept;
// It was asked without waiting first.
void has_asked(int fd, bool found_something) noexcept;

// As wait_for_descriptor(fd, kRead, -1).
Parked wait_to_read(int fd) noexcept;

// For descriptor_wait.h, whose functions of these names (end_descriptor_waits() and so on) call them.
void end_kept_watch(int fd) noexcept;
void look_again_at_kept_watch(int fd) noexcept;
void forget_kept_watches() noexcept;

}  // namespace gevent
