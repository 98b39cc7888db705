# What cpp/python/wait/parking.h offers the bindings. The contracts are in the header.
from cpython.object cimport PyObject

cdef extern from "loop/watcher.h" namespace "gevent" nogil:
    const int kRead
    const int kWrite

    cdef cppclass CoreIo "gevent::Io":
        int fd()
        int events()

cdef extern from "loop/loop.h" namespace "gevent" nogil:
    cdef cppclass CoreLoop "gevent::Loop":
        bint abandoned()
        bint blocked()
        void wake_up()
        void wake_up_if_blocked()

cdef extern from "sync/waiter.h" namespace "gevent" nogil:
    cdef cppclass CoreWaiter "gevent::Waiter":
        void* cookie
        bint linked()
        void unlink()
        void wake()

    cdef cppclass CoreWaitQueue "gevent::WaitQueue":
        bint empty()
        CoreWaiter* front()
        CoreWaiter* after(CoreWaiter&)
        void drop_stale()
        void enqueue(CoreWaiter&)
        void enqueue_first(CoreWaiter&)
        bint wake_one()
        void wake_all()

cdef extern from "python/wait/parking.h" namespace "gevent":
    # `except? -1`-style checking: kFailed comes with a Python exception set.
    int park_in(CoreWaitQueue& queue, double timeout_s, void* cookie) except -1
    int park_first_in(CoreWaitQueue& queue, double timeout_s, void* cookie) except -1
    int sleep_for(double seconds, bint ref) except -1
    int park_on(CoreIo& io, double timeout_s) except -1
    bint io_in_use(const CoreIo& io)
    void fail_io(CoreIo& io, object exception)
    object current_hub()
    PyObject* current_hub_if_exists()
    CoreLoop* current_loop() except NULL
    CoreLoop* loop_of(object loop_object) except NULL
    void report_exception(PyObject* hub, PyObject* context)
    void call_soon(CoreLoop& loop, object callable, PyObject* argument)

cdef extern from "python/wait/named_wait.h" namespace "gevent":
    int park_named_in(object waiting_for, CoreWaitQueue& queue, double timeout_s, void* cookie) except -1
    int park_thread_named_in(object waiting_for, CoreWaitQueue& queue, double timeout_s, void* cookie) except -1

cdef extern from "python/wait/thread_parking.h" namespace "gevent":
    bint should_park_thread()
