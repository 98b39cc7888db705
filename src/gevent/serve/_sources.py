"""The sources of a program, as opposed to those of what it uses: which they are, and when they change."""

import contextlib
import os
import sys
import sysconfig

__all__ = ["Watched", "of_the_program"]

#: Where Python and what was installed lie.
_OTHERS = tuple(
    os.path.join(path, "")
    for path in {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    if path
)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def _file_of(module):
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else None


def _is_the_programs(file):
    return not file.startswith(_OTHERS) and not any(part in file for part in _INSTALLED)


def of_the_program(names, application):
    """Return those of the modules `names` that are the program's: not installed, or of the package of `application`.

    Modules that are compiled are left out: many cannot be imported twice in one process.
    """
    package = application.partition(":")[0].partition(".")[0]
    found = []
    for name in sorted(names):
        file = _file_of(sys.modules[name])
        its_own = name.partition(".")[0] == package
        if (its_own and file is None) or (file and file.endswith(".py") and (its_own or _is_the_programs(file))):
            found.append(name)
    return found


class Watched:
    """The program's modules, and what lies beside them: what was not imported yet may be tomorrow, or has failed to."""

    def __init__(self):
        self._seen = {}  # {folder: {file: when it was changed}}

    def changed(self):
        """Return a file that has changed or is new since the last call, None if there is none."""
        modules = [_file_of(module) for module in tuple(sys.modules.values())]
        folders = {os.path.dirname(os.path.abspath(file)) for file in modules if file and _is_the_programs(file)}
        found = None
        for folder in sorted(folders):
            now, before = _times(folder), self._seen.get(folder)
            self._seen[folder] = {**(before or {}), **now}  # one that is away for a moment is being written anew
            if before is not None:
                found = next((file for file, time in now.items() if before.get(file) != time), found)
        return found


def _times(folder):
    """Return {file: when it was changed, in nanoseconds} of the sources in `folder`."""
    times = {}
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".py") and not name.startswith(".")]
    except OSError:
        names = []  # in an archive
    for name in names:
        file = os.path.join(folder, name)
        with contextlib.suppress(OSError):  # being written anew
            times[file] = os.stat(file).st_mtime_ns
    return times
