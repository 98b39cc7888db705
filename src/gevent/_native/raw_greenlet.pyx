# cython: language_level=3, binding=True, auto_pickle=False
"""Bare greenlets that remember where they came from, and how that is told."""
from cpython.weakref cimport PyWeakref_NewRef


cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    object current_greenlet()

cdef extern from "python/object/spawning_stack.h" namespace "gevent":
    bint spawning_is_tracked()
    void track_spawning(bint yes)
    cdef cppclass SpawningStackCore "gevent::SpawningStack":
        void capture(int depth_max)
        object describe()


def track_greenlet_tree(bint yes):
    """Whether greenlets remember who spawned them (`gevent.config.track_greenlet_tree`)."""
    track_spawning(yes)


class SpawningFrame:
    """One entry of `spawning_stack`: enough of a frame for `traceback.print_stack`."""

    __slots__ = ("f_back", "f_code", "f_lineno")

    f_globals = property(lambda self: {}, doc="Nothing: a frame's globals would keep its module alive.")
    f_locals = f_globals

    def __init__(self, f_code, f_lineno, f_back):
        self.f_code = f_code
        self.f_lineno = f_lineno
        self.f_back = f_back


def spawning_frames(pairs):
    """Return the innermost SpawningFrame for (code, line) pairs, innermost first, linked by f_back; None for no pairs.
    """
    frame = None
    for code, line in reversed(pairs):
        frame = SpawningFrame(code, line, frame)
    return frame


cdef object tree_locals_of(spawner):
    # The spawn_tree_locals that a child of `spawner` shares; a new dictionary when it begins a tree.
    found = getattr(spawner, "spawn_tree_locals", None)
    return {} if found is None else found


cdef class TrackedRawGreenlet(greenlet):
    """TrackedRawGreenlet(function, parent)

    A bare greenlet that remembers who spawned it: what `gevent.spawn_raw` makes.

    Its objects, not the class, have `spawning_greenlet`, `spawn_tree_locals` and `spawning_stack`: the innermost frames
    of the spawning call, linked by f_back; None when there were none.
    """
    cdef SpawningStackCore _stack
    cdef object _spawner
    cdef object _tree_locals

    # gevent's has all this in its dictionary.
    __slots__ = ("_stack", "_spawner", "_tree_locals")

    def __init__(self, function, parent):
        greenlet.__init__(self, function, parent)
        spawner = current_greenlet()
        self._spawner = PyWeakref_NewRef(spawner, None)
        self._tree_locals = tree_locals_of(spawner)
        self._stack.capture(10)

    def __getattr__(self, name):
        # What a program sets instead is in the object's dictionary, and found there first.
        if name == "spawning_greenlet":
            return self._spawner
        if name == "spawn_tree_locals":
            return self._tree_locals
        if name == "spawning_stack":
            return spawning_frames(self._stack.describe())
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def raw_greenlet(function, parent):
    """Return a bare greenlet under `parent`, tracked if configured."""
    if spawning_is_tracked():
        return TrackedRawGreenlet(function, parent)
    return greenlet(function, parent)


__all__ = ["TrackedRawGreenlet"]
