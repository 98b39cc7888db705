"""Attributes that are each greenlet's own, as `threading.local` has them for threads.

        data = local()
        data.request = request    # seen by this greenlet only

The class is native, in gevent._native.local, where it is told how it works.
"""

from gevent._native.local import all_local_dicts_for_greenlet, local  # noqa: F401

__all__ = ["local"]
