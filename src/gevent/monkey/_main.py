"""``python -m gevent.monkey [options] script``: run a program that is patched before its first line."""

import os
import sys

from gevent.monkey._parts import PARTS

__all__ = ["main"]

USAGE = """\
gevent.monkey: run a Python program with the standard library patched to cooperate.

    python -m gevent.monkey [OPTIONS] SCRIPT [ARGUMENTS]
    python -m gevent.monkey [OPTIONS] --module MODULE [ARGUMENTS]

SCRIPT is what the interpreter itself would take: a file, a directory or a zip file with a __main__.py.
Everything is patched as by gevent.monkey.patch_all(), except as these OPTIONS say:

    --no-NAME          do not patch NAME
    --NAME             do patch NAME, though by default it is not
    --module           what follows is the name of a module
    --verbose          say first what is done, and where modules come from

where NAME is one of {names}.
"""


def main(patch_all):
    """Patch as the command line in `sys.argv` says, then run the script or module that it names.

    The program sees its own arguments in `sys.argv`, and is ``__main__``. Without one, prints the usage.
    Exits with status 1 for an option that does not exist.
    """
    choices = [part.name for part in PARTS]
    arguments = sys.argv[1:]
    chosen, as_module, verbose = {}, False, False
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)[2:]
        name = option.removeprefix("no-")
        if option == "module":
            as_module = True
        elif option == "verbose":
            verbose = True
        elif name in choices:
            chosen[name] = not option.startswith("no-")
        else:
            sys.exit(USAGE.format(names=", ".join(choices)) + f"\nCannot patch {option!r}")

    if not arguments:
        print(USAGE.format(names=", ".join(choices)))
        return None

    if verbose:
        _describe(chosen)
    sys.argv[:] = arguments
    patch_all(**chosen)

    import runpy

    if as_module:
        return runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    if os.path.isfile(arguments[0]):
        # What lies beside a script can be imported by it, as ever; so can what is in the current directory, which
        # comes first, as always with ``python -m``.
        sys.path.insert(1, os.path.dirname(os.path.abspath(arguments[0])))
    return runpy.run_path(arguments[0], run_name="__main__")


def _describe(chosen):
    from pprint import pprint

    print(f"gevent.monkey.patch_all({', '.join(f'{name}={value}' for name, value in chosen.items())})")
    print(f"Python {sys.version}, in {os.getcwd()}")
    pprint({"sys.path": sys.path, "sys.modules": sorted(sys.modules)})
