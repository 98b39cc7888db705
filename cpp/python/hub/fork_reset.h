// The clean start of a multiprocessing child.
#pragma once
#include "python/hub/hub_state.h"

namespace gevent {

// In a forked child: forgets the calling thread's hub, which the parent's greenlets, timers and watchers hang on. All
// loops of the process are abandoned (never run, stopped or destroyed again) and everything that was suspended stays
// referenced for the rest of the process: were a suspended greenlet collected, greenlet would unwind it, and its
// `finally` blocks would run in the wrong process. The calling greenlet becomes a child of the main greenlet, and
// `home` of the next hub. Returns 0, or -1 with an exception.
int abandon_hub_after_fork() noexcept;

// Has `function` called in each such child as soon as its loops are abandoned; for lists of those who wait. It may run
// no Python code. Natively, as all that such a child calls in Python costs it the copies of several pages.
void call_when_abandoned(void (*function)() noexcept);

// The greenlet that forked, in a child whose hub was abandoned: the one to go back to when the new hub has nothing left
// to do. Borrowed, nullptr elsewhere.
PyGreenlet* home_greenlet() noexcept;

}  // namespace gevent
