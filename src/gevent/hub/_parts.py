"""What a hub is made of beside its loop: parts that are made when first asked for, and settings seen as attributes."""

from gevent._config import config

__all__ = ["HubPart", "configured"]


def configured(setting, doc):
    """Return a read-only property that shows the value which `gevent.config` has for `setting` at the moment."""
    return property(lambda hub: getattr(config, setting), doc=doc)


class HubPart:
    """An attribute of hubs that is made by `make(hub)` when first read and ended by `end(part)` when deleted.

    It is kept under `storage`, whose value on the class is None; tests put others there.
    """

    def __init__(self, storage, make, end, doc):
        self._storage, self._make, self._end = storage, make, end
        self.__doc__ = doc

    def __get__(self, hub, owner=None):
        if hub is None:
            return self
        part = getattr(hub, self._storage)
        if part is None:
            part = self._make(hub)
            setattr(hub, self._storage, part)
        return part

    def __set__(self, hub, part):
        setattr(hub, self._storage, part)

    def __delete__(self, hub):
        part = getattr(hub, self._storage)
        setattr(hub, self._storage, None)
        if part is not None:
            self._end(part)
