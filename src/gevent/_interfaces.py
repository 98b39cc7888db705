"""What an event loop, a watcher and a queued callback can be relied on to do, as zope interfaces.

For those who check (``verifyObject(ILoop, hub.loop)``); nothing in gevent imports this by itself. Signatures and
descriptions are those of the classes themselves, so there is one place to look them up.
"""

from zope.interface import Attribute, Interface, classImplements
from zope.interface.interface import InterfaceClass, fromFunction

from gevent._native.loop import Loop, callback, watcher

__all__ = ["ICallback", "ILoop", "IWatcher"]


def _what(implementation, promised_methods, promised_attributes=()):
    members = {}
    for name in promised_methods.split():
        members[name] = fromFunction(getattr(implementation, name), imlevel=1)
    for name in promised_attributes:
        members[name] = Attribute(getattr(implementation, name).__doc__)
    return members


def _declare(name, implementation, doc, members):
    interface = InterfaceClass(name, (Interface,), members, __doc__=doc, __module__=__name__)
    classImplements(implementation, interface)
    return interface


ILoop = _declare(
    "ILoop",
    Loop,
    "An event loop: it waits for events, and calls back.",
    {
        **_what(
            Loop,
            "run destroy now update_now run_callback run_callback_threadsafe closing_fd "
            "async_ check child fork idle io prepare signal stat timer",
            ["default"],
        ),
        "approx_timer_resolution": Attribute("Seconds; timers are not more exact than this."),
    },
)
IWatcher = _declare("IWatcher", watcher, "Something a loop looks out for.", _what(watcher, "start stop close"))
ICallback = _declare(
    "ICallback", callback, "A queued call, true while it is pending.", _what(callback, "stop close", ["pending"])
)
