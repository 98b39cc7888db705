# cython: language_level=3, binding=True, auto_pickle=False
"""What Greenlet.link makes of a callback: each call runs in a greenlet of its own."""
from bridge cimport current_hub


cdef extern from "greenlet/greenlet.h":
    ctypedef class greenlet.greenlet [object PyGreenlet, check_size ignore]:
        pass

cdef extern from "python/hub/hub_state.h" namespace "gevent":
    object switch_to(greenlet target, object value)


class SpawnedLink:
    """Wraps a callback so that being called with a source runs it in a greenlet of its own. Equal to what it wraps."""

    __slots__ = ("callback",)

    def __init__(self, callback):
        if callable(callback):
            self.callback = callback
        else:
            raise TypeError(f"Expected callable: {callback!r}")

    def _wants(self, source):
        return True

    def __call__(self, source):
        if self._wants(source):
            switch_to(greenlet(self.callback, current_hub()), (source,))

    # For everybody who looks, this is the callback.

    def __repr__(self):
        return repr(self.callback)

    def __str__(self):
        return str(self.callback)

    def __eq__(self, other):
        if isinstance(other, SpawnedLink):
            other = other.callback
        return self.callback == other

    def __hash__(self):
        return hash(self.callback)

    def __getattr__(self, name):
        if name == "callback":
            raise AttributeError(name)
        return getattr(self.callback, name)


class SuccessSpawnedLink(SpawnedLink):
    """Calls only for a source that ended well."""

    __slots__ = ()

    def _wants(self, source):
        return source.successful()


class FailureSpawnedLink(SpawnedLink):
    """Calls only for a source that ended with an exception."""

    __slots__ = ()

    def _wants(self, source):
        return not source.successful()


__all__ = ["FailureSpawnedLink", "SpawnedLink", "SuccessSpawnedLink"]
