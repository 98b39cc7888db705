"""The native half of gevent: modules of one noun each, in one shared library, libgevent_native.

Private. What users import are the modules above, which hand these names on.

One library and not a file for each module: what a file costs is paid at each start of a process, which maps and links
it, and at each fork, which copies the mappings. Only `ares` has a file of its own, since few load c-ares.
"""

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import ExtensionFileLoader
from _imp import extension_suffixes

__all__ = ["LibraryFinder"]

_IN_LIBRARY = frozenset(
    (
        "channel",
        "clean_fork",
        "connection",
        "event",
        "fileobject",
        "greenlet",
        "hub",
        "http",
        "local",
        "loop",
        "process",
        "queue",
        "raw_greenlet",
        "resting_threads",
        "rlock",
        "roster",
        "select",
        "semaphore",
        "semlock",
        "signal",
        "socket",
        "spawned_link",
        "thread_list",
        "threadpool",
        "timeout",
        "waiter",
    )
)


class LibraryFinder:
    """Finds the modules that are in the library. Asked after everybody else."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        package, _, noun = name.rpartition(".")
        if package != __name__ or noun not in _IN_LIBRARY:
            return None
        library = f"{__path__[0]}/libgevent_native{extension_suffixes()[0]}"
        spec = ModuleSpec(name, ExtensionFileLoader(name, library), origin=library)
        spec.has_location = True
        return spec


sys.meta_path.append(LibraryFinder)
