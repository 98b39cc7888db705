"""The standard library's `multiprocessing`: its name, and changing modules of it that are seldom needed."""

import sys

from gevent.monkey._import_hook import change_when_imported

__all__ = ["STDLIB_NAME", "changes_of_module"]

STDLIB_NAME = "multiprocessing"


def changes_of_module(name, changes):
    """Return those of ``changes(module)`` for the module `name`, or have them made when it is imported.

    For modules that are expensive to import and seldom needed.
    """
    module = sys.modules.get(name)
    if module is not None:
        return changes(module)

    def change(module):
        for owner, attribute, value in changes(module):
            setattr(owner, attribute, value)

    change_when_imported(name, change)
    return ()
