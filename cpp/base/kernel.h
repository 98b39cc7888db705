// What the kernel that we are built for has beyond POSIX.
//
// Asked about here and nowhere else by those who have a way around. GEVENT_PORTABLE (CMake) builds as for a kernel that
// has none of Linux's additions, so that the ways around are tested where we develop. GEVENT_KQUEUE: with libkqueue's
// kqueues, for tests too.
#pragma once

#if defined(__linux__) && !defined(GEVENT_PORTABLE)
#define GEVENT_HAVE_EVENTFD 1
#define GEVENT_HAVE_MEMFD 1
#define GEVENT_HAVE_PIDFD 1
#define GEVENT_HAVE_THREAD_FILES 1  // /proc/self/task
#define GEVENT_HAVE_NOWAIT_CALLS 1  // RWF_NOWAIT, where the C library knows it
#endif

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__) || defined(GEVENT_KQUEUE)
#define GEVENT_HAVE_KQUEUE 1
#endif
