// Nobody starves because somebody else asks again and again.
//
// `while not lock.acquire(blocking=False): pass` ends in a program of threads, because the operating system interrupts
// it and the holder goes on. A greenlet is interrupted by nobody. So every call that only looks, and finds that there
// is nothing yet, says so here; after kPatience of them in a row, without a switch in between, the caller is put at the
// end of the ready queue for once, where it may be switched away from: not in a hub, not in a thread without one.
#pragma once
#include <Python.h>

#include "base/static_tls.h"

namespace gevent {

constexpr unsigned kPatience = 200;

// Of each thread: how many looks are left.
extern constinit thread_local unsigned looks_left GEVENT_STATIC_TLS;

// Lets everybody else who is ready run first; -1 + exception if one is thrown in meanwhile.
int let_others_run() noexcept;

// The caller has looked in vain, and will not wait. -1 + exception: see above.
inline int looked_in_vain() noexcept { return --looks_left != 0 ? 0 : let_others_run(); }

// After a look of ours, not the program's, which was in vain: it shall not count.
inline void take_back_look() noexcept { ++looks_left; }

// Somebody else is about to run in this thread.
inline void forget_looks() noexcept { looks_left = kPatience; }

}  // namespace gevent
