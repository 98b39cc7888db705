// Threads of this process that Python does not know: a C library's own, which may yet call back.
#pragma once
#include <span>

namespace gevent {

// Whether a thread lives, beside those in `known` (the kernel's numbers; the caller's among them), that may ever call
// somebody. Asks /proc/self/task; where there is none, or it cannot be read: false. Some system calls for each thread.
//
// A thread that has the process's name and blocks all signals only serves, as faulthandler's watchdog does and our
// courier (ipc/courier.h): it calls nobody. Whether another one will, nobody can know; so it may. Each begins with its
// signals blocked, so one that is younger than a moment may, too.
bool foreign_thread_lives(std::span<const unsigned long> known) noexcept;

// The same where the numbers are not to be had, only how many threads are known, the caller among them.
bool foreign_thread_lives(unsigned known_count) noexcept;

}  // namespace gevent
