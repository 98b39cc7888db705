# cython: language_level=3, binding=True, auto_pickle=False
"""The hub's native half: which hub a thread has, and how a greenlet gives up control.

How parking works is told at the top of cpp/python/wait/parking.h; what a hub does with errors, thread pools and
resolvers is policy, in gevent/hub/__init__.py.
"""
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF

import os as _os

import greenlet as _greenlet_module

from bridge cimport CoreLoop, current_hub, loop_of, sleep_for


cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass

cdef extern from "Python.h":
    PyObject* PyThreadState_GetDict()
    unsigned long PyThread_get_thread_ident()

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    cdef cppclass WaitedForLoop "gevent::Loop":
        unsigned waiters
    cdef cppclass HubState:
        CoreLoop* loop
        PyObject* hub()
        void set_hub(PyObject*)
        bint loop_stands_in
        int hub_passes
    int import_greenlet_api() except -1
    HubState* hub_state()
    void enter_hub_state(HubState*)
    void set_hub_factory(PyObject*)
    object switch_to(greenlet target, object value)
    object current_greenlet()


cdef extern from "python/wait/parked_greenlet.h" namespace "gevent":
    object switch_away_to_hub(HubState& hub)

cdef extern from "python/hub/start_entry.h" namespace "gevent":
    void start_soon_with(CoreLoop& loop, greenlet g, PyObject* args, PyObject* kwargs)

cdef extern from "base/version.h" namespace "gevent":
    const char* native_version() noexcept

cdef extern from "python/wait/descriptor_wait.h" namespace "gevent":
    int wait_for_descriptor(int fd, int events, double timeout_s) except -1

cdef extern from "python/object/chunk_cache.h" namespace "gevent":
    bint install_chunk_cache(unsigned chunks_max)
    unsigned chunk_cache_idle()

cdef extern from "python/object/saved_stack_cache.h" namespace "gevent":
    bint install_saved_stack_cache()
    void keep_saved_stacks()
    unsigned saved_stacks_kept()

cdef extern from "base/fork_generation.h" namespace "gevent":
    unsigned long long process_generation "gevent::fork_generation" ()

cdef extern from "python/hub/fork_reset.h" namespace "gevent":
    int abandon_hub_after_fork() except -1
    PyObject* home_greenlet_object "(PyObject*)gevent::home_greenlet" ()


cdef extern from "python/wait/spinning.h" namespace "gevent":
    int looked_in_vain_natively "gevent::looked_in_vain" () except -1


import_greenlet_api()

# What gevent.__mp_version__ was when this was compiled.
VERSION = native_version().decode()
if _os.environ.get("GEVENT_CHUNK_CACHE", "1") != "0":
    install_chunk_cache(4096)
if _os.environ.get("GEVENT_STACK_CACHE", "1") != "0":
    install_saved_stack_cache()

cdef object _exceptions = None
cdef object _loop_class = None
cdef object _waiter_class = None


cdef object _own_loop_class():
    global _loop_class
    if _loop_class is None:
        from gevent._native.loop import Loop
        _loop_class = Loop
    return _loop_class


cdef object _exception(name):
    global _exceptions
    if _exceptions is None:
        from gevent import exceptions
        _exceptions = exceptions
    return getattr(_exceptions, name)


cdef class HubBase(greenlet):
    """What every hub is to the native layer: the greenlet of a thread that the others give up control to."""
    cdef HubState state
    cdef public object spawn_tree_locals

    def __cinit__(self, *args, **kwargs):
        self.state.set_hub(<PyObject*>self)

    @property
    def passes_through_hub(self):
        """How many ask that every switch goes through the hub instead of straight to the next ready greenlet."""
        return self.state.hub_passes

    def require_hub_passes(self):
        """Count one more who needs every switch to go through the hub (tracers, monitors)."""
        self.state.hub_passes += 1

    def release_hub_passes(self):
        """Take back one `require_hub_passes`."""
        if self.state.hub_passes > 0:
            self.state.hub_passes -= 1


cdef class SwitchOutGreenletWithLoop(HubBase):
    """A hub with an event loop. `loop` is the thread's loop object, or None."""
    cdef object _loop
    cdef list _former_loops

    def __dealloc__(self):
        # Here rather than in the base, whose turn comes when the loop is gone already.
        if hub_state() == &self.state:
            enter_hub_state(NULL)

    @property
    def loop(self):
        """This hub's event loop object; None once it was given up."""
        return self._loop

    @loop.setter
    def loop(self, value):
        cdef CoreLoop* core = NULL
        if value is not None:
            core = loop_of(value)
        if self._loop is not None:
            # Greenlets that wait hold pointers to it, and to this. Most keep their hub alive, but not the main one.
            if self._former_loops is None:
                self._former_loops = []
            self._former_loops.append(self._loop)
            if self.state.loop != NULL and (<WaitedForLoop*>self.state.loop).waiters != 0:
                Py_INCREF(self)
        self._loop = value
        self.state.loop = core
        self.state.loop_stands_in = value is not None and not isinstance(value, _own_loop_class())

    def switch(self):
        """Give up control until something switches back to the caller; returns what it is switched to with.

        For gevent's own needs and for clients that arranged their own wake-up (`loop.run_callback(g.switch, value)`).
        Raises BlockingSwitchOutError when the caller is the hub.
        """
        return switch_away_to_hub(self.state)

    def switch_out(self):
        """A hub never gives up control: raises BlockingSwitchOutError."""
        raise _exception("BlockingSwitchOutError")("Impossible to call blocking function in the event loop callback")


cdef class WaitOperationsGreenlet(SwitchOutGreenletWithLoop):
    """A hub that watchers can be waited for in. `gevent.hub.Hub` adds the policy."""

    def wait(self, watcher):
        """Park the calling greenlet until `watcher` fires.

        Starts the watcher and stops it afterwards, whatever happened. Raises what is thrown in meanwhile, and
        InvalidSwitchError if somebody else switches to the caller.
        """
        waiter = _waiter_class(self)
        watcher.start(waiter.switch, waiter)
        try:
            try:
                result = waiter.get()
            except _exception("LoopExit") as error:
                error.waiting_for = watcher
                raise
            if result is not waiter:
                raise _exception("InvalidSwitchError")(
                    f"{current_greenlet()!r} waits for {watcher!r} in {waiter!r}, but was woken with {result!r}")
        finally:
            watcher.stop()

    def cancel_wait(self, watcher, error, close_watcher=False):
        """Make the greenlet that waits for `watcher` in `wait` raise `error` (a class or an instance), soon.

        Does not wait. `close_watcher`: whether the watcher is closed as well.
        """
        if watcher is not None:
            self._loop.run_callback(self._cancel_now, watcher, error, close_watcher)

    def _cancel_now(self, watcher, error, close_watcher):
        # Runs in the hub. By now the wait may have ended, or another one begun.
        waiter = getattr(watcher.callback, "__self__", None) if watcher.active else None
        owner = getattr(watcher, "native_waits", None)
        socket = None if owner is None else owner()
        if socket is not None:
            socket._fail_waits(watcher.events, error)
        if close_watcher:
            watcher.close()
        if waiter is None:
            return
        if isinstance(waiter, _waiter_class):
            waiter.throw(error)
        else:
            throw = getattr(waiter, "throw", None)
            if throw is not None:
                throw(error)

    def cancel_waits_close_and_then(self, watchers, exc_kind, then, *then_args):
        """Cancel the waits on all `watchers` with `exc_kind`, close them, then call `then(*then_args)`.

        Soon, and in the hub; does not wait.
        """
        self._loop.run_callback(self._cancel_all_now, tuple(watchers), exc_kind, then, then_args)

    def _cancel_all_now(self, watchers, exc_kind, then, then_args):
        for watcher in watchers:
            if watcher is not None:
                self._cancel_now(watcher, exc_kind, True)
        then(*then_args)


# ---- which hub a thread has ------------------------------------------------------------------------------------------

cdef object _hub_class = None
cdef object _default_hub_class = None
cdef str _HUB_KEY = "gevent.hub"
cdef str _LOOP_KEY = "gevent.loop"
cdef str _FORMER_HUB_KEY = "gevent.former_hub"
cdef str _CLASS_KEY = "gevent.hub_class"


cdef dict _thread_dict():
    cdef PyObject* found = PyThreadState_GetDict()
    if found == NULL:
        raise RuntimeError("this thread has no Python thread state to keep a hub in")
    return <dict>found


def get_hub_class():
    """Return the class of which this thread's hub is, or will be, an instance."""
    global _default_hub_class
    found = _thread_dict().get(_CLASS_KEY)
    if found is not None:
        return found
    if _default_hub_class is None:
        from gevent.hub import Hub
        _default_hub_class = Hub
    return _default_hub_class


def set_default_hub_class(hubtype):
    """Make `hubtype` the class of hubs that are made from now on."""
    global _default_hub_class
    _default_hub_class = hubtype


def get_hub_if_exists():
    """Return this thread's hub, or None when it has none yet. Never makes one."""
    cdef HubState* state = hub_state()
    if state != NULL:
        return <object>state.hub()
    return _thread_dict().get(_HUB_KEY)


def set_hub(hub):
    """Make `hub` (None: nobody) this thread's hub and return it."""
    cdef dict here = _thread_dict()
    if hub is None:
        enter_hub_state(NULL)
        here.pop(_HUB_KEY, None)
    else:
        enter_hub_state(&(<HubBase?>hub).state)
        here[_HUB_KEY] = hub
        keep_saved_stacks()
    return hub


def get_hub():
    """Return this thread's hub; make it first if there is none. From gevent."""
    cdef HubState* state = hub_state()
    if state != NULL:
        return <object>state.hub()
    hub = _thread_dict().get(_HUB_KEY)
    if hub is None:
        if _untold:
            tell_of_abandoned_hub()
        hub = get_hub_class()()
        # Making one runs Python code, and so perhaps a signal handler that needed a hub, too: the first one stays.
        first = _thread_dict().get(_HUB_KEY)
        hub = set_hub(hub) if first is None else first
    return hub


def get_hub_noargs():
    """Return this thread's hub; make it first if there is none."""
    cdef HubState* state = hub_state()
    if state != NULL:
        return <object>state.hub()
    return get_hub()


def get_loop():
    """Return the loop that this thread's next hub takes over, or None."""
    return _thread_dict().get(_LOOP_KEY)


def set_loop(loop):
    """Make `loop` (None: nothing) the one that this thread's next hub takes over."""
    cdef dict here = _thread_dict()
    here.pop(_FORMER_HUB_KEY, None)
    if loop is None:
        here.pop(_LOOP_KEY, None)
    else:
        here[_LOOP_KEY] = loop


def leave_loop(loop, hub):
    """`set_loop(loop)` by `hub`, which had it until now, and whose greenlets may still wait in it."""
    set_loop(loop)
    _thread_dict()[_FORMER_HUB_KEY] = hub


def take_former_hub():
    """Return, once, the hub that `get_loop()` had before; None if there was none."""
    return _thread_dict().pop(_FORMER_HUB_KEY, None)


set_hub_factory(<PyObject*>get_hub_noargs)


# ---- sleeping and raw greenlets --------------------------------------------------------------------------------------

def sleep(seconds=0, ref=True):
    """Park the calling greenlet for at least `seconds`.

    0 or less lets everybody run who is ready now. `ref=False`: the sleep alone does not keep the hub from ending.
    Returns None; raises what is thrown in meanwhile (a Timeout, GreenletExit), and LoopExit when nothing else is left
    to wait for with `ref=False`. From gevent.
    """
    sleep_for(seconds, ref)


def looked_in_vain():
    """Say that the caller has looked for something, found nothing, and will not wait.

    Lets others run once that was said a few hundred times in a row: cpp/python/wait/spinning.h.
    """
    looked_in_vain_natively()


def running_greenlet():
    """The caller's greenlet, as `greenlet.getcurrent()` says; that one stops answering when the interpreter exits."""
    return current_greenlet()


def spawn_raw(function, *args, **kwargs):
    """Start a bare `greenlet.greenlet` that calls `function(*args, **kwargs)` soon, and return it. Does not wait.

    It has none of Greenlet's joining and linking, and costs a fraction. An exception that leaves `function` is
    reported by the hub. TypeError if `function` cannot be called. From gevent.
    """
    cdef greenlet made
    cdef HubState* state
    if not callable(function):
        raise TypeError(f"function must be callable, not {function!r}")
    hub = current_hub()
    made = _raw_greenlet(function, hub)
    state = hub_state()
    if state == NULL or state.loop == NULL:
        raise RuntimeError("this thread's hub has no event loop: it was destroyed, and nothing can start in it")
    start_soon_with(state.loop[0], made, <PyObject*>args, <PyObject*>kwargs)
    return made


cdef object _raw_greenlet = _greenlet_module.greenlet


def set_raw_greenlet_factory(factory):
    """Make spawn_raw build its greenlets by `factory(function, hub)`."""
    global _raw_greenlet
    _raw_greenlet = factory


def set_waiter_class(cls):
    """Tell hubs which class their `wait` uses."""
    global _waiter_class
    _waiter_class = cls


# ---- fork ------------------------------------------------------------------------------------------------------------

def abandon_hub():
    """In a forked child: forget the inherited hub and all that waits in it. See cpp/python/hub/fork_reset.h.

    Runs no bytecode. `tell_of_abandoned_hub` has to come next.
    """
    cdef dict here = _thread_dict()
    abandon_hub_after_fork()
    if _HUB_KEY in here or _LOOP_KEY in here or _FORMER_HUB_KEY in here:
        old = here.pop(_HUB_KEY, None)
        here.pop(_LOOP_KEY, None)
        _abandoned.append((old, here.pop(_FORMER_HUB_KEY, None)))
    if _after_abandon:
        _untold[:] = _after_abandon


cdef list _abandoned = []
cdef dict _after_abandon = {}
cdef list _untold = []  # those of _after_abandon that are still to be called in this process


def register_after_abandon(function):
    """Have `function()` called in each child that abandons the hub it inherited, after that. Again does nothing.

    For state that belongs to the parent: its thread pool, its watched children.
    """
    _after_abandon[function] = None
    return function


def tell_of_abandoned_hub():
    """In a child that has abandoned its hub: call what was registered for that, if it was not called yet.

    Whoever needs the child first does it: a hook that others have registered for forks may start greenlets.
    """
    while _untold:
        function = _untold.pop(0)
        try:
            function()
        except BaseException:
            _untold.insert(0, function)
            raise


cdef class _MainThread:
    # Natively, as nearly all children find nothing to do.
    cdef unsigned long ident
    cdef object tell

    def __call__(self):
        cdef unsigned long ident = PyThread_get_thread_ident()
        if ident != self.ident:
            self.ident = ident
            self.tell(ident)


def register_main_thread(unsigned long ident, tell):
    """Have `tell(ident)` called in each forked child whose main thread is another than before, `ident` at first."""
    cdef _MainThread main_thread = _MainThread()
    main_thread.ident, main_thread.tell = ident, tell
    _os.register_at_fork(after_in_child=main_thread)


def home_greenlet():
    """Return the greenlet that forked, in a child whose hub was abandoned; None elsewhere."""
    cdef PyObject* home = home_greenlet_object()
    return None if home == NULL else <object>home


def fork_generation():
    """Return how many forks lie between this process and the one that loaded gevent."""
    return process_generation()


def idle_chunks():
    """How many data-stack chunks are kept for greenlets to come."""
    return chunk_cache_idle()


def kept_stacks():
    """How many blocks of memory this thread keeps for the stacks of greenlets that are switched away from."""
    return saved_stacks_kept()


def wait_fd(int fd, int events, double timeout_s):
    """Park until `fd` has one of `events` (1 readable, 2 writable); return whether that was within `timeout_s` seconds.

    A negative timeout: no limit. OSError (EBADF) when it is closed meanwhile.
    """
    return wait_for_descriptor(fd, events, timeout_s) != 0
