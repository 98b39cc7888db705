# cython: language_level=3, auto_pickle=False
"""Waiting for several descriptors: select, poll, and what selectors stand on.

How it waits is in cpp/python/wait/descriptor_set.h. The public names are in gevent/select.py.
"""
cimport cython
from libcpp.memory cimport unique_ptr
from libcpp.vector cimport vector

from bridge cimport current_hub_if_exists, sleep_for

cdef extern from "Python.h":
    int PyObject_AsFileDescriptor(object) except -1

cdef extern from "<poll.h>":
    const short POLLIN
    const short POLLPRI
    const short POLLOUT
    const short POLLERR
    const short POLLHUP
    const short POLLNVAL
    const short POLLRDNORM
    const short POLLRDBAND
    const short POLLWRNORM
    const short POLLWRBAND

cdef extern from "python/wait/descriptor_set.h" namespace "gevent":
    cdef cppclass DescriptorSet:
        DescriptorSet()
        DescriptorSet(const DescriptorSet&) except +
        void add(int fd, short events, short accepted) except +
        void clear()
        size_t size()
        int fd(size_t)
        short events(size_t)
        short revents(size_t)
        bint ready(size_t)
        int poll_now() except -1
        int wait(double timeout_s) except -1

cdef extern from "python/wait/registered_set.h" namespace "gevent":
    cdef cppclass Report "gevent::RegisteredSet::Report":
        int fd
        short events

    cdef cppclass CoreRegisteredSet "gevent::RegisteredSet":
        int open() except -1
        void close()
        int add(int fd, short events) except -1
        void remove(int fd)
        int look() except -1
        int wait(double timeout_s) except -1
        const vector[Report]& reports()


# What the three lists of select() mean to the kernel: Linux' own select() is defined by these sets.
cdef short _READABLE = POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR
cdef short _WRITABLE = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR
cdef short _ALWAYS = POLLERR | POLLHUP | POLLNVAL


cdef list _reported(const DescriptorSet& descriptors):
    cdef list found = []
    cdef DescriptorSet* core = <DescriptorSet*>&descriptors
    cdef size_t i
    for i in range(core.size()):
        if core.ready(i):
            found.append((core.fd(i), core.revents(i)))
    return found


# ---- select ----------------------------------------------------------------------------------------------------------

def select_fds(reading, writing, others, double timeout_s, check):
    """Do what gevent.select.select() says.

    check
        called when a descriptor turns out not to be open; raises the standard library's error, or returns, and then the
        descriptor counts as ready for all it was asked for.
    """
    cdef unique_ptr[DescriptorSet] wanted
    cdef DescriptorSet* core
    cdef size_t i = 0
    wanted.reset(new DescriptorSet())
    core = wanted.get()
    # Copied while they are read: fileno() may change a list, and so may others while the caller waits.
    cdef list readers = _add_all(core, reading, POLLIN, _READABLE)
    cdef list writers = _add_all(core, writing, POLLOUT, _WRITABLE)
    cdef list rest = _add_all(core, others, POLLPRI, POLLPRI)
    if current_hub_if_exists() == NULL and core.poll_now() != 0:
        # Before a hub is made: one of its descriptors would get the number of one that is closed.
        _check_open(core, check)
    # Even when something is ready already: programs call select() in loops, and rely on others getting their turn.
    sleep_for(0, True)
    if core.poll_now() != 0:
        _check_open(core, check)
    elif timeout_s != 0:
        core.wait(timeout_s)
    i = 0
    return _take_ready(core, &i, readers), _take_ready(core, &i, writers), _take_ready(core, &i, rest)


cdef _check_open(DescriptorSet* core, check):
    cdef size_t i
    for i in range(core.size()):
        if core.revents(i) & POLLNVAL:
            check()
            return


cdef list _add_all(DescriptorSet* core, items, short events, short accepted):
    cdef list copy = []
    for item in items:
        core.add(PyObject_AsFileDescriptor(item), events, accepted)
        copy.append(item)
    return copy


cdef list _take_ready(DescriptorSet* core, size_t* i, list items):
    cdef list found = []
    for item in items:
        if core.ready(i[0]):
            found.append(item)
        i[0] += 1
    return found


cdef int _descriptor(object fd) except -1:
    # gevent's errors are those of selectors, not of the standard library's poll().
    try:
        return PyObject_AsFileDescriptor(fd)
    except TypeError:
        raise ValueError(f"Invalid file object: {fd!r}") from None


# ---- poll ------------------------------------------------------------------------------------------------------------

@cython.binding(False)
cdef class Poll:
    """Poll()
--

What `select.poll()` makes: descriptors that are waited for together, again and again."""
    cdef dict _events
    cdef DescriptorSet core
    cdef bint _changed

    def __cinit__(self):
        self._events = {}

    def register(self, fd, eventmask=POLLIN | POLLPRI | POLLOUT):
        """register($self, fd, eventmask=7)
--

Wait for `eventmask` of `fd` from now on, in place of what was wanted of it before."""
        cdef unsigned short events = eventmask
        self._events[_descriptor(fd)] = events
        self._changed = True

    def modify(self, fd, eventmask):
        """modify($self, fd, eventmask)
--

Wait for `eventmask` of `fd` instead. FileNotFoundError if it is not registered."""
        cdef unsigned short events = eventmask
        cdef int descriptor = _descriptor(fd)
        if descriptor not in self._events:
            from errno import ENOENT
            from os import strerror
            raise OSError(ENOENT, strerror(ENOENT))
        self._events[descriptor] = events
        self._changed = True

    def unregister(self, fd):
        """unregister($self, fd)
--

Wait for `fd` no more. KeyError if it is not registered."""
        del self._events[_descriptor(fd)]
        self._changed = True

    def poll(self, timeout=None):
        """poll($self, timeout=None)
--

Wait until descriptors are ready; return [(descriptor, events)] for those that are.

timeout
    in milliseconds; None or negative: no limit; 0: look, and do not wait.

Several greenlets may do so at once."""
        cdef unique_ptr[DescriptorSet] copy
        cdef double timeout_s = -1
        if timeout is not None and timeout >= 0:
            timeout_s = timeout / 1000.0
        sleep_for(0, True)  # others get their turn even when something is ready already
        if self._changed:
            self.core.clear()
            for fd, events in self._events.items():
                self.core.add(fd, <short><unsigned short>events, <short><unsigned short>events | _ALWAYS)
            self._changed = False
        if self.core.poll_now() != 0 or timeout_s == 0:
            return _reported(self.core)
        # Others may use this object while the caller waits.
        copy.reset(new DescriptorSet(self.core))
        copy.get().wait(timeout_s)
        return _reported(copy.get()[0])


# ---- selectors -------------------------------------------------------------------------------------------------------

cdef class RegisteredSet:
    """Descriptors that are waited for again and again: see cpp/python/wait/registered_set.h."""
    cdef CoreRegisteredSet core

    def __cinit__(self):
        self.core.open()

    def add(self, int fd, short events):
        """Wait for `events` of `fd` from now on. OSError if it is not open."""
        self.core.add(fd, events)

    def remove(self, int fd):
        """Wait for `fd` no more, which may have been closed."""
        self.core.remove(fd)

    def look(self):
        """Return [(descriptor, events)] for those that are ready. Does not wait."""
        self.core.look()
        return self._reports()

    def wait(self, timeout):
        """Wait until some are ready, and return them; at most `timeout` seconds, None is no limit."""
        self.core.wait(-1 if timeout is None else timeout)
        return self._reports()

    cdef list _reports(self):
        cdef list found = []
        cdef size_t i
        for i in range(self.core.reports().size()):
            found.append((self.core.reports()[i].fd, self.core.reports()[i].events))
        return found

    def close(self):
        """Forget everything. The descriptors stay open."""
        self.core.close()
