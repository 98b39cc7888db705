"""Finding gevent's plugins among the installed packages, without the price of `importlib.metadata`.

That module takes longer to import than all of gevent, and hardly anybody has a plugin. So the ``entry_points.txt``
files are read here, once; only where packages are found by other means than directories on `sys.path` (zip files,
import hooks that bring distributions of their own) is the standard library asked.
"""

import os
import sys

__all__ = ["is_any_foreign", "load_entry_points", "references", "set_references"]

_PREFIX = "gevent.plugins."
# Ours, for a program that has got another gevent: nothing to call in this one.
_GUARD = "gevent_mp._guard:"

_references = None  # {group: [(name, "module:attribute"), ...]}, once the search was made


def load_entry_points(group):
    """Return a list of the objects registered under the entry point group `group`.

    Reads the metadata of the installed packages at the first call, and imports the objects at each. Raises what the
    imports raise.
    """
    global _references
    if _references is None:
        _references = _search_directories() if _only_directories() else _search_everywhere()
    return [_load(reference) for _, reference in _references.get(group, ())]


def is_any_foreign():
    """Return whether a search was made and has found plugins that are not gevent's own."""
    found = (_references or {}).values()
    return any(not reference.startswith("gevent.") for entries in found for _, reference in entries)


def references():
    """Return what the search found, for `set_references` in another process, or None if it was not made yet."""
    return _references


def set_references(found):
    """Spare this process the search."""
    global _references
    _references = found


def _only_directories():
    if any(
        hasattr(finder, "find_distributions") and finder.__module__ != "_frozen_importlib_external"
        for finder in map(_as_class, sys.meta_path)
    ):
        return False
    return not any(os.path.isfile(entry) for entry in sys.path)


def _as_class(finder):
    return finder if isinstance(finder, type) else type(finder)


def _search_directories():
    found = {}
    distributions_seen = set()
    for directory in sys.path:
        try:
            names = os.listdir(directory or ".")
        except OSError:
            # Not there or not readable: nothing can be imported from it either.
            continue
        for name in names:
            if not name.endswith((".dist-info", ".egg-info")):
                continue
            distribution = name.rpartition(".")[0].partition("-")[0].lower().replace(".", "_")
            if distribution in distributions_seen:
                continue  # An earlier directory has it; what is shadowed must not be called.
            distributions_seen.add(distribution)
            try:
                with open(os.path.join(directory, name, "entry_points.txt"), encoding="utf-8") as file:
                    text = file.read()
            except OSError:
                continue
            if _PREFIX in text:
                _parse(text, found)
    return found


def _parse(text, found):
    group = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif group and group.startswith(_PREFIX) and "=" in line and line[0] not in "#;":
            name, _, reference = line.partition("=")
            entry = (name.strip(), reference.strip())
            # Once, though gevent's own distribution, with the same plugins as ours, may lie beside it.
            if not entry[1].startswith(_GUARD) and entry not in found.setdefault(group, []):
                found[group].append(entry)


def _search_everywhere():
    from importlib.metadata import entry_points

    found = {}
    for group, points in _by_group(entry_points()):
        if group.startswith(_PREFIX):
            entries = dict.fromkeys((point.name, point.value) for point in points)
            found[group] = [entry for entry in entries if not entry[1].startswith(_GUARD)]
    return found


def _by_group(points):
    if isinstance(points, dict):  # Python 3.10 and 3.11
        return points.items()
    return [(group, points.select(group=group)) for group in points.groups]


def _load(reference):
    module_name, _, attributes = reference.partition("[")[0].partition(":")
    value = __import__(module_name.strip(), None, None, ["*"])
    for attribute in filter(None, attributes.strip().split(".")):
        value = getattr(value, attribute)
    return value
