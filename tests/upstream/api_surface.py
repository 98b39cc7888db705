#!/usr/bin/env python3
"""Write down the API of the ``gevent`` that this interpreter has, or say where it differs from one written down.

    api_surface.py --dump FILE       one line per name: path, kind, signature
    api_surface.py --compare FILE    one line per difference: path, what is wrong, here and there; then the counts

Runs in any interpreter with any gevent, and imports nothing else. A path is ``module:name`` or ``module:Class.member``.

What counts: the names in each public module's ``__all__``; names of gevent's own beside it ("undeclared"); the public
members of gevent's classes; and the private names in `private_names.txt`, which programs and gevent's suite use.
"""

import argparse
import importlib
import inspect
import pkgutil
import re
import sys
import types
import warnings
from pathlib import Path

__all__ = ["compare", "dump"]

ABSENT = object()
#: Not asked about: the suite, and event loops' own modules, of which `gevent.core` has what users need.
OUTSIDE = ("gevent.tests", "gevent.testing", "gevent.libev", "gevent.libuv", "gevent.resolver.cares")
PRIVATE_NAMES = Path(__file__).resolve().with_name("private_names.txt")


# --- what there is ------------------------------------------------------------------------------------------------


def public_modules():
    import gevent

    names = ["gevent"]
    names += [info.name for info in pkgutil.walk_packages(gevent.__path__, "gevent.", onerror=lambda name: None)]
    return sorted(name for name in names if not name.startswith(OUTSIDE) and "._" not in name)


def import_quietly(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError:
            return None


def is_own(value):
    """Whether gevent made it: not a module, and not imported from elsewhere as far as anybody can tell."""
    if isinstance(value, types.ModuleType):
        return False
    module = getattr(value, "__module__", None)
    return module.startswith("gevent") if isinstance(module, str) else not callable(value)


def names_of(module):
    """-> {name: whether it is in ``__all__``} of what a module offers."""
    names = {name: False for name, value in vars(module).items() if not name.startswith("_") and is_own(value)}
    declared = getattr(module, "__all__", None)
    if declared is None:
        return dict.fromkeys(names, True)
    names.update((name, True) for name in declared if isinstance(name, str) and hasattr(module, name))
    return names


def members_of(cls):
    """-> the names of the public members that gevent's own classes in its family have."""
    owners = [base for base in cls.__mro__ if str(base.__module__).startswith("gevent")]
    return sorted({name for base in owners for name in vars(base) if not name.startswith("_")})


def kind_of(value):
    if isinstance(value, types.ModuleType):
        return "module"
    if isinstance(value, type):
        return "exception" if issubclass(value, BaseException) else "class"
    if isinstance(value, (staticmethod, classmethod)) or callable(value):
        return "callable"
    return "data"


def signature_of(value, name):
    """Return the signature in words that do not depend on how a function is compiled, or "" if nobody can tell."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if not callable(value):
        return ""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        # A native function may have it in the first line of its docstring.
        first_line = (getattr(value, "__doc__", None) or "").strip().partition("\n")[0]
        found = re.match(rf"(?:\w+\.)*{re.escape(name)}(\(.*\))", first_line)
        return normal(found.group(1)) if found else ""
    empty = inspect.Parameter.empty
    bare = [parameter.replace(annotation=empty) for parameter in signature.parameters.values()]
    return normal(str(signature.replace(parameters=bare, return_annotation=empty)))


def normal(text):
    text = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", text)  # where a class was defined
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text.replace('"', "'"))
    text = re.sub(r"/, |, /", "", text)
    return re.sub(r"^\((?:self|cls|type)(?:, )?", "(", text)


def look_up(path):
    """Return what `path` names here, without calling any descriptor; ABSENT if there is nothing."""
    module_name, _, names = path.partition(":")
    value = import_quietly(module_name)
    if value is None:
        return ABSENT
    for name in names.split("."):
        try:
            value = inspect.getattr_static(value, name) if isinstance(value, type) else getattr(value, name)
        except AttributeError:
            # What only a module's or a metaclass's __getattr__ knows.
            value = getattr(value, name, ABSENT)
            if value is ABSENT:
                break
    return value


class Surface:
    """Everything there is, as {path: (kind, signature)}.

    A class of gevent's that was seen before has the kind "same" and, in the place of its signature, the path where:
    two classes of one name are not what `isinstance` asks for.
    """

    def __init__(self):
        self.entries = {}
        self._seen = {}
        modules = {name: import_quietly(name) for name in public_modules()}
        offered = {name: sorted(names_of(module).items()) for name, module in modules.items() if module}
        # In this order, since where a thing is said to be belongs before where it leaked to.
        for prefix in "declared", "private", "undeclared":
            if prefix == "private":
                paths = private_names()
            else:
                paths = [
                    f"{m}:{n}" for m, names in offered.items() for n, yes in names if yes == (prefix == "declared")
                ]
            for path in paths:
                value = look_up(path)
                if value is not ABSENT:
                    self._add(path, value, prefix)

    def _add(self, path, value, prefix):
        own_class = isinstance(value, type) and is_own(value)
        if own_class and self._seen.setdefault(value, path) != path:
            self.entries[path] = (f"{prefix} same", self._seen[value])
            return
        self.entries[path] = (f"{prefix} {kind_of(value)}", signature_of(value, last_name(path)))
        if own_class and prefix != "private":
            for member in members_of(value):
                found = inspect.getattr_static(value, member)
                self.entries[f"{path}.{member}"] = (f"member {kind_of(found)}", signature_of(found, member))


def last_name(path):
    return re.split(r"[.:]", path)[-1]


def private_names():
    lines = PRIVATE_NAMES.read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def dump(file):
    import gevent

    entries = Surface().entries
    with open(file, "w") as output:
        print(f"# gevent {gevent.__version__}, Python {sys.version.split()[0]}, {sys.platform}", file=output)
        for path, (kind, signature) in entries.items():
            print(path, kind, signature, sep="\t", file=output)
    print(f"{len(entries)} names written")


# --- what differs -------------------------------------------------------------------------------------------------


def read(file):
    lines = Path(file).read_text().splitlines()
    return {path: (kind, signature) for path, kind, signature in (line.split("\t") for line in lines[1:])}


def fault_of(path, kind, signature):
    """Return (what is wrong with `path` here, how it is there, how it is here), or None."""
    value = look_up(path)
    if value is ABSENT:
        return "missing", kind, ""
    kind = kind.split()[-1]
    if kind == "same":
        return None if value is look_up(signature) else ("another", signature, repr(value))
    # A class can be called: more than was there is no fault.
    if kind_of(value) != kind and (kind, kind_of(value)) != ("callable", "class"):
        return "kind", kind, kind_of(value)
    here = signature_of(value, last_name(path))
    if signature and here and here != signature:
        return "signature", signature, here
    return None


def compare(file):
    """Return ([(path, what is wrong, there, here)], {part of the API: [right, asked]})."""
    reference = read(file)
    faults, counts = [], {}
    for path, (kind, signature) in reference.items():
        part = kind.split()[0]
        fault = fault_of(path, kind, signature)
        count = counts.setdefault(part, [0, 0])
        count[0] += fault is None
        count[1] += 1
        if fault is not None:
            faults.append((path, *fault))
    # What `import *` gives beyond gevent's; modules that gevent does not have are our own business.
    modules = {path.partition(":")[0] for path, (kind, _) in reference.items() if kind.startswith("declared")}
    for module in sorted(modules):
        here = import_quietly(module)
        for name in getattr(here, "__all__", ()):
            if not reference.get(f"{module}:{name}", ("",))[0].startswith("declared"):
                faults.append((f"{module}:{name}", "extra", "", kind_of(getattr(here, name))))
    return faults, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--dump", metavar="FILE")
    action.add_argument("--compare", metavar="FILE")
    options = parser.parse_args()
    if options.dump:
        return dump(options.dump)
    faults, counts = compare(options.compare)
    for fault in faults:
        print(*fault, sep="\t")
    for part, (right, asked) in counts.items():
        print(f"# {part}: {right} of {asked}")


if __name__ == "__main__":
    sys.exit(main())
