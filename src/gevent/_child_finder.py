"""Where a new process that is to become what its parent is finds gevent: where the parent has it from.

Its command line (multiprocessing/_bootstrap.py) executes this file before gevent can be imported: so nothing of gevent
is imported here.
"""

import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import PathFinder, SourceFileLoader

__all__ = ["ChildFinder"]


class ChildFinder:
    """Finds what patching needs, for as long as a process takes over its parent's patches. To be asked first.

    gevent's modules are looked for in two places each, a folder and a file, and not under the dozen names that a
    module of somebody else's may have: that alone takes a tenth of the process's start. What is in neither place
    (in an archive, say, or without its source) is found as ever.

    :param places: In which directories a package is, by its name.
    """

    def __init__(self, places):
        self._places = places

    def find_spec(self, name, path=None, target=None):
        """Return the specification of a module of gevent's, or of a package whose place is known; else None."""
        if name in self._places:
            return PathFinder.find_spec(name, self._places[name])
        if not name.startswith("gevent."):
            return None
        return _spec_in_library(name) or _spec_in_folder(name, path) or PathFinder.find_spec(name, path)


def _spec_in_library(name):
    if not name.startswith("gevent._native."):
        return None
    return sys.modules["gevent._native"].LibraryFinder.find_spec(name)


def _spec_in_folder(name, path):
    if len(path) != 1:
        return None
    (folder,) = path
    place = f"{folder}/{name.rpartition('.')[2]}"
    is_package = os.path.isdir(place)
    source = f"{place}/__init__.py" if is_package else f"{place}.py"
    if not os.path.isfile(source):
        return None
    spec = ModuleSpec(name, SourceFileLoader(name, source), origin=source, is_package=is_package)
    if is_package:
        spec.submodule_search_locations.append(place)
    spec.has_location = True
    return spec
