# cython: language_level=3, binding=True, embedsignature=False, auto_pickle=False
"""gevent::clean_fork() for Python. What it does is in cpp/python/hub/clean_fork.h."""

from posix.types cimport pid_t

from gevent._native.hub import abandon_hub as _abandon_hub, get_hub_if_exists as _get_hub_if_exists


cdef extern from "python/hub/clean_fork.h" namespace "gevent":
    pid_t clean_fork_of "gevent::clean_fork" (object abandon_hub) except -1

# Looks where `abandon_hub` does: where functions are bound when first called, every child would bind that one anew.
_get_hub_if_exists()


def clean_fork():
    """Fork; return the child's id in the parent and 0 in the child, which has no hub. Raises OSError in the parent."""
    return clean_fork_of(_abandon_hub)
