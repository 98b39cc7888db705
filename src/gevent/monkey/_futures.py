"""Futures: who asks one again and again how far it is lets those run who will do it."""

import sys
from functools import wraps

from gevent._native.hub import looked_in_vain
from gevent.monkey._import_hook import change_when_imported

__all__ = ["mend_futures"]


def mend_futures():
    """See that asking a future again and again how far it is lets those run who will do it."""
    name = "concurrent.futures._base"
    if name in sys.modules:
        _mend_questions(sys.modules[name])
    else:
        change_when_imported(name, _mend_questions)


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
