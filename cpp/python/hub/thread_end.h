// How Python ends threads that are left over when the interpreter exits, and why that must not end the process.
//
// Up to 3.13 a thread that wants the GIL back after the interpreter has begun to exit is ended with pthread_exit(),
// which unwinds the thread's C stack as an exception would. Our functions that are called from C and from loops are
// noexcept, and so are greenlet's: unwinding through them calls std::terminate(), and the whole process is aborted
// because a daemon thread ran a hub. From 3.14 Python lets such threads sleep for ever instead; here that is done for
// all.
#pragma once

namespace gevent {

// Makes std::terminate() in a thread other than the main one, while the interpreter exits, put that thread to sleep for
// ever; otherwise it does what it did before. For the whole process, once.
void sleep_instead_of_terminating_at_exit() noexcept;

// Whether the interpreter is being taken down: hooks at exit have run, other threads stand still, greenlets switch no
// more, and what is left to run are finalizers. Any thread.
bool interpreter_exits() noexcept;

}  // namespace gevent
