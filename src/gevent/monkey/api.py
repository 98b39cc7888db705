"""The tools of patching, for gevent's own modules and for plugins that make other packages cooperative.

A module can be patched from a "source" module that has a list ``__implements__`` of the names to replace. The source
may have functions that take part:

``_gevent_will_monkey_patch(target_module, items, warn)``
    called first; ``warn(text)`` has a warning issued once all is done.
``_gevent_do_monkey_patch(request)``
    called instead of replacing the items one by one. ``request.default_patch_items()`` does that;
    ``request.remove_item(target_module, *names)``, ``request.get_original(module_name, name)`` and
    ``request.patch_kwargs`` may help.
``_gevent_did_monkey_patch(target_module, items, warn)``
    called last.
"""
# tidy: no __all__ because gevent has none here

from gevent.monkey._state import note_patching, saved

_ABSENT = object()


def get_original(mod_name, item_name):
    """Return what the attribute `item_name` of the module `mod_name` is when nothing is patched.

    :param item_name: A name, or a list of names; then a list is returned.

    Imports the module if need be. Raises `ImportError` and `AttributeError` for what does not exist.
    """
    names = [item_name] if isinstance(item_name, str) else item_name
    replaced = saved.get(mod_name, {})
    module = None
    if not all(name in replaced for name in names):
        module = __import__(mod_name, None, None, ["*"])
    values = [replaced[name] if name in replaced else getattr(module, name) for name in names]
    return values[0] if isinstance(item_name, str) else values


def _save(module, attr):
    value = getattr(module, attr, _ABSENT)
    if value is not _ABSENT:
        note_patching()
        # What is there at a second patching is our own.
        saved.setdefault(module.__name__, {}).setdefault(attr, value)
    return value


def patch_item(module, attr, newitem):
    """Replace the attribute `attr` of `module` by `newitem`, and remember what was there, if anything."""
    _save(module, attr)
    setattr(module, attr, newitem)


def remove_item(module, attr):
    """Remove the attribute `attr` of `module`, if it has one, and remember it."""
    if _save(module, attr) is not _ABSENT:
        delattr(module, attr)


class _PatchRequest:
    """What ``_gevent_do_monkey_patch`` is given; see this module's docstring."""

    get_original = staticmethod(get_original)

    def __init__(self, target_module, source_module, items, patch_kwargs):
        self.target_module, self.source_module = target_module, source_module
        self.items = items
        self.patch_kwargs = {} if patch_kwargs is None else patch_kwargs

    def __repr__(self):
        return (
            f"<{type(self).__name__} {self.items!r} of {self.target_module!r} from {self.source_module!r} "
            f"with {self.patch_kwargs!r}>"
        )

    def default_patch_items(self):
        """Replace each of the items by the source's."""
        for name in self.items:
            patch_item(self.target_module, name, getattr(self.source_module, name))

    def remove_item(self, target_module, *items):
        """Remove the attributes `items` of `target_module`."""
        for name in items:
            remove_item(target_module, name)


def patch_module(
    target_module,
    source_module,
    items=None,
    _warnings=None,
    _patch_kwargs=None,
    _notify_will_subscribers=True,
    _notify_did_subscribers=True,
    _call_hooks=True,
):
    """Replace attributes of `target_module` by those of `source_module`.

    :param items: Names to replace; by default what the source lists in ``__implements__``.
    :return: True; or False if a subscriber to `gevent.events.GeventWillPatchModuleEvent` raised ``DoNotPatch``.

    Raises `AttributeError` if the source does not have one of the items.
    """
    from gevent import events
    from gevent.monkey._errors import _BadImplements
    from gevent.monkey._notices import notify, queue_warning

    if items is None:
        items = getattr(source_module, "__implements__", None)
        if items is None:
            raise _BadImplements(source_module)

    def warn(message):
        queue_warning(message, _warnings)

    def hook(name, *args):
        function = getattr(source_module, name, None) if _call_hooks else None
        if function is None:
            return False
        function(*args)
        return True

    try:
        hook("_gevent_will_monkey_patch", target_module, items, warn)
        if _notify_will_subscribers:
            notify(events.GeventWillPatchModuleEvent(target_module.__name__, source_module, target_module, items))
    except events.DoNotPatch:
        return False

    request = _PatchRequest(target_module, source_module, items, _patch_kwargs)
    if not hook("_gevent_do_monkey_patch", request):
        request.default_patch_items()
    hook("_gevent_did_monkey_patch", target_module, items, warn)
    if _notify_did_subscribers:
        notify(events.GeventDidPatchModuleEvent(target_module.__name__, source_module, target_module))
    return True


def _patch_standard(source_name, items=None, **kwargs):
    """`patch_module` for the gevent module called `source_name`, into the standard library's of that name.

    A module whose counterpart has another name says so in ``__target__``. Returns (source, target, whether patched).
    """
    source = __import__("gevent." + source_name, None, None, ["*"])
    target_name = getattr(source, "__target__", source_name)
    target = __import__(target_name, None, None, ["*"])
    return source, target, patch_module(target, source, items=items, **kwargs)
