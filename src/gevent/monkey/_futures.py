"""Futures, where threads are greenlets: asking again and again how far one is; telling an asyncio loop of its end."""

import threading
from functools import wraps

from gevent._native.hub import looked_in_vain
from gevent.monkey._import_hook import change_module

__all__ = ["mend_futures"]


def mend_futures():
    """See that asking a future again and again lets those run who will do it, and that asyncio hears of its end."""
    change_module("concurrent.futures._base", _mend_questions)
    change_module("asyncio.futures", _mend_chain)


def _mend_questions(module):
    future = module.Future
    # What an answer may be that whoever asks again and again waits to see the end of.
    for name, in_vain in (("done", {False}), ("cancelled", {False}), ("running", {False, True})):
        setattr(future, name, _asking(getattr(future, name), in_vain))


def _asking(ask, in_vain):
    @wraps(ask)
    def asking(self):
        answer = ask(self)
        if answer in in_vain:
            looked_in_vain()
            answer = ask(self)
        return answer

    return asking


def _mend_chain(module):
    if not isinstance(module.events, _Events):
        module.events = _Events(module.events)


class _Events:
    """`asyncio.events` for who hands a future's end on to a loop: one that runs in another greenlet has to be woken.

    To asyncio all greenlets of a thread are inside the loop that one of them runs. What they put into it then without
    waking it lies there until something else happens, which may be never (Python 3.14 and later).
    """

    def __init__(self, events):
        self._events = events

    def __getattr__(self, name):
        return getattr(self._events, name)

    def _get_running_loop(self):
        loop = self._events._get_running_loop()
        runs_here = getattr(loop, "_thread_id", None) in (None, threading.get_ident())
        return loop if runs_here else None
