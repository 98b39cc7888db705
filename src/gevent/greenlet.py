"""Greenlets, and what is done with several of them: joinall and killall."""

from greenlet import GreenletExit

from gevent._greenlet_primitives import TrackedRawGreenlet
from gevent._hub_local import get_hub_noargs
from gevent._hub_primitives import iwait_on_objects, wait_on_objects
from gevent._native.greenlet import Greenlet, join_greenlets
from gevent._native.spawned_link import FailureSpawnedLink, SpawnedLink, SuccessSpawnedLink
from gevent._waiter import Waiter
from gevent.timeout import Timeout

__all__ = ["Greenlet", "joinall", "killall"]

_OWN_RAWLINK = Greenlet.rawlink


def _has_own_rawlink(candidate):
    """Whether `candidate` is a Greenlet whose way of telling its end nobody overrode."""
    return isinstance(candidate, Greenlet) and type(candidate).rawlink is _OWN_RAWLINK


def joinall(greenlets, timeout=None, raise_error=False, count=None):
    """Park until all `greenlets` have ended, or `count` of them, or `timeout` seconds are over.

    Returns those that ended, first ended first. With `raise_error`, the first exception any of them ended with is
    raised here as soon as it is known. From gevent.
    """
    greenlets = list(greenlets)
    if not raise_error:
        if all(map(_has_own_rawlink, greenlets)):
            return join_greenlets(greenlets, timeout, count)
        return wait_on_objects(greenlets, timeout=timeout, count=count)
    done = []
    with iwait_on_objects(greenlets, timeout=timeout, count=count) as ended:
        for each in ended:
            if getattr(each, "exception", None) is not None:
                if hasattr(each, "get"):
                    each.get(block=False)
                raise each.exception
            done.append(each)
    return done


def _throw_into_all(victims, exception, hub):
    """In the hub: throw into each; one that objects does not save the others."""
    for victim in victims:
        if victim.dead:
            continue
        try:
            victim.throw(exception)
        except BaseException as error:
            hub.handle_error(victim, type(error), error, error.__traceback__)


def killall(greenlets, exception=GreenletExit, block=True, timeout=None):
    """Raise `exception` in all `greenlets`, in the next turn of the loop.

    block
        whether to wait until all have ended; raises Timeout if that takes longer than `timeout` seconds.

    Those that have not begun never will. Bare greenlets are killed as well, and cannot be waited for longer than that.
    From gevent.
    """
    greenlets = list(greenlets)
    hub = get_hub_noargs()
    victims = []
    for each in greenlets:
        if isinstance(each, Greenlet) and each._maybe_kill_before_start(exception):
            continue
        if not each.dead:
            victims.append(each)
    if not victims:
        return
    if not block:
        hub.loop.run_callback(_throw_into_all, victims, exception, hub)
        return
    waiter = Waiter(hub)
    hub.loop.run_callback(_throw_all_and_tell, waiter, victims, exception, hub)
    limit = Timeout._start_new_or_dummy(timeout)
    try:
        waiter.get()
        joinall([each for each in victims if hasattr(each, "rawlink")])
    finally:
        limit.cancel()


def _throw_all_and_tell(waiter, victims, exception, hub):
    _throw_into_all(victims, exception, hub)
    waiter.switch(None)
