"""The classes of `selectors` beside ``DefaultSelector``: some can wait by way of `gevent.select`; the rest go."""

from gevent.monkey.api import remove_item

__all__ = ["mend_selector_classes", "remove_selector_classes"]

# They block in what `gevent.select` has no counterpart of.
_WITHOUT_COUNTERPART = ("EpollSelector", "KqueueSelector", "DevpollSelector")


def mend_selector_classes(selectors):
    """Make `SelectSelector` and `PollSelector` of the module `selectors` wait by gevent's functions.

    The classes stay who they are, so it works for those who have taken hold of them.
    """
    from gevent import select as green_select

    def _select(rlist, wlist, xlist, timeout=None):
        """Call `gevent.select.select`."""
        return green_select.select(rlist, wlist, xlist, timeout)

    # gevent's mark of a function that it put in place.
    _select._gevent_monkey = True
    selectors.SelectSelector._select = staticmethod(_select)
    if hasattr(selectors, "PollSelector") and hasattr(green_select, "poll"):
        selectors.PollSelector._selector_cls = green_select.poll


def remove_selector_classes(selectors):
    """Remove the classes from the module `selectors` that can only block."""
    for name in _WITHOUT_COUNTERPART:
        remove_item(selectors, name)
