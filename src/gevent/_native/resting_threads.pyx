# cython: language_level=3, binding=True, auto_pickle=False
"""Who could still come, and a loop that waits for those: cpp/python/wait/resting_threads.h."""
from bridge cimport CoreLoop, loop_of

cdef extern from "python/wait/resting_threads.h" namespace "gevent":
    bint others_may_come_natively "gevent::others_may_come" ()
    bint only_foreigners_may_come()
    double kFirstPauseS
    double kLongestPauseS
    void count_out_natively "gevent::count_out_this_thread" ()
    cdef cppclass CoreStall "gevent::Stall":
        CoreStall(CoreLoop& loop, bint rests)


def others_may_come():
    """Whether another native thread lives that may wake a greenlet of this one: cpp/python/wait/resting_threads.h."""
    return others_may_come_natively()


def count_out_this_thread():
    """Have the calling thread never count as one that may wake others."""
    count_out_natively()


cdef class Pause:
    """How long to wait before it is asked again who may come, where nobody tells: longer each time."""
    cdef double seconds

    def __cinit__(self):
        self.seconds = kFirstPauseS

    cdef run(self, loop):
        cdef list over = []
        timer = loop.timer(self.seconds, ref=False)
        try:
            timer.start(over.append, True)
            loop.run(once=True)
        finally:
            timer.close()
        self.seconds = min(self.seconds * 2, kLongestPauseS) if over else kFirstPauseS


def run_until_woken(loop, bint rests, Pause pause):
    """Run `loop`, which has nothing left to do, until another thread has woken somebody, or none is left that could.

    `rests`: whether nothing but a thread may do that, so that this one is of no help to others meanwhile. Waits, in the
    operating system; `pause` long if there are only threads of whose end nobody tells.
    """
    cdef CoreStall* stall = new CoreStall(loop_of(loop)[0], rests)
    try:
        if rests and only_foreigners_may_come():
            pause.run(loop)
        else:
            loop.run(once=True)
    finally:
        del stall


__all__ = ["Pause", "count_out_this_thread", "others_may_come", "run_until_woken"]
