# What cpp/sync/line.h and cpp/sync/line_wait.h offer the bindings of what greenlets stand in line for.
from libc.stdint cimport int64_t

from bridge cimport CoreWaitQueue

cdef extern from "sync/line.h" namespace "gevent":
    cdef cppclass Ticket:
        void* item
        bint served

    cdef cppclass Line:
        CoreWaitQueue queue
        Ticket* enter(void* item, bint takes)
        void arrive(Ticket&)
        void leave(Ticket&)
        void offer(int64_t)
        void retract(int64_t)
        void wake_all()
        void serve(Ticket&)
        Ticket* first_on_its_way()
        bint empty()
        int64_t waiting()

cdef extern from "sync/line_wait.h" namespace "gevent":
    cdef cppclass LineWait:
        void enter(Line&, double limit_s, void* item, bint takes)
        void arrive()
        void leave()
        Ticket* ticket()

cdef extern from "python/wait/line_parking.h" namespace "gevent":
    int park_in_line(object, LineWait&) except -1
    int park_thread_in_line(object, LineWait&) except -1
