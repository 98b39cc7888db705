"""Time limits for whatever a greenlet does.

A `Timeout` is started in a greenlet and raised there when its time is over; `with_timeout` puts one around a call. The
class is native, in gevent._native.timeout, since every timed operation of gevent goes through it.
"""

from gevent._native.timeout import Timeout

__all__ = ["Timeout", "with_timeout"]

_RAISE = object()


def with_timeout(seconds, function, *args, **kwds):
    """Call `function(*args, **kwds)` and return what it returns, unless that takes longer than `seconds`.

    seconds
        a number, a `Timeout`, or None for no limit
    timeout_value
        keyword only: what to return when the time is over, rather than raising the Timeout

    The call is ended by a Timeout raised in it, so it must let that pass. A Timeout of somebody else's is never taken
    for this one. From gevent.
    """
    on_timeout = kwds.pop("timeout_value", _RAISE)
    limit = Timeout.start_new(seconds, _one_shot=True)
    try:
        return function(*args, **kwds)
    except Timeout as expired:
        if expired is limit and on_timeout is not _RAISE:
            return on_timeout
        raise
    finally:
        limit.cancel()
