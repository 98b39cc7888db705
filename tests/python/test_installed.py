"""A folder where modules of gevent's own distribution, or of two versions, lie together says so, and what to type."""

import importlib.machinery
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
DEADLINE_S = 60
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]

# What gevent's own modules begin and end with, and how they find their native halves.
THEIR_INIT = """
__version__ = "26.9.0"
from gevent._config import config
from gevent._hub_local import get_hub
"""
THEIR_HUB_LOCAL = """
import importlib
globals().update(importlib.import_module("gevent._gevent_c_hub_local").__dict__)
"""
THEIR_EVENT = """
from gevent._util import import_c_accel
import_c_accel(globals(), "gevent._event")
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of this gevent, as it may lie in a folder that PYTHONPATH names; its folder `gevent`."""
    for name in ("gevent", "gevent_mp"):
        shutil.copytree(SOURCES / name, tmp_path / name, copy_function=os.link)
    return tmp_path / "gevent"


def write(path, text):
    path.unlink(missing_ok=True)  # it is a link to the real one
    path.write_text(text)


def run(copy, script, **environment):
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", script],
        env={**os.environ, "PYTHONPATH": str(copy.parent), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def refused(copy, script="import gevent"):
    """Run `script`, which must be refused; return the last line it printed."""
    done = run(copy, script)
    assert done.returncode == 1, done.stdout + done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("ImportError: gevent-mp cannot be used: ")
    assert f" It is in {copy}. To mend it, type: " in line
    return line


def test_a_whole_copy_says_nothing(copy):
    done = run(copy, "import gevent; print(gevent.__file__)")
    assert (done.stdout, done.stderr) == (f"{copy / '__init__.py'}\n", "")


MIXTURES = {
    "their __init__ over ours": {"__init__.py": THEIR_INIT},
    "their _hub_local over ours": {"_hub_local.py": THEIR_HUB_LOCAL},
    "their event over ours": {"event.py": THEIR_EVENT},
    "all three over ours": {"__init__.py": THEIR_INIT, "_hub_local.py": THEIR_HUB_LOCAL, "event.py": THEIR_EVENT},
    "ours over theirs": {"hub.py": "raise SystemExit('theirs')", f"_gevent_cqueue{SUFFIX}": ""},
    "their native modules beside ours": {f"_gevent_c_hub_local{SUFFIX}": "", f"_gevent_clocal{SUFFIX}": ""},
}


@pytest.mark.parametrize("mixture", MIXTURES)
def test_two_owners_of_one_folder_are_refused(copy, mixture):
    for name, text in MIXTURES[mixture].items():
        write(copy / name, text)
    assert "gevent's own distribution" in refused(copy)


def test_two_versions_of_ours_are_refused(copy):
    init = (copy / "__init__.py").read_text()
    write(copy / "__init__.py", init.replace('__mp_version__ = "', '__mp_version__ = "9.'))
    line = refused(copy)
    assert "native modules of " in line and " and modules of 9." in line


def test_a_native_module_of_another_version_is_refused(copy):
    """Its name for the version is a symbol, which the linker does not find. Only c-ares' is a file of its own."""
    (module,) = (copy / "_native").glob("ares.*.so")
    content = module.read_bytes()
    symbol = b"gevent_mp_of_version_"
    assert symbol in content
    module.unlink()
    module.write_bytes(content.replace(symbol, b"gevent_mp_of_versiox_"))
    done = run(copy, "import gevent.resolver.ares")
    assert done.returncode == 1 and "undefined symbol: gevent_mp_of_versiox_" in done.stderr, done.stderr


def test_native_modules_of_another_interpreter_are_named(copy):
    (library,) = (copy / "_native").glob("libgevent_native.*")
    library.rename(copy / "_native" / "libgevent_native.cpython-27-pdp11.so")
    line = refused(copy)
    assert f"no native library for this interpreter, {sys.implementation.cache_tag} on {sys.platform}" in line
    assert "only libgevent_native.cpython-27-pdp11.so" in line


def test_without_greenlet_the_line_installs_greenlet(copy):
    without = "import sys; sys.modules['greenlet'] = None; import gevent"
    assert "it needs greenlet" in refused(copy, without)
    assert refused(copy, without).endswith("install 'greenlet>=3.2.2'")


def test_a_missing_library_of_the_system_is_named_with_its_package():
    error = ImportError("libuv.so.1: cannot open shared object file: No such file or directory")
    script = f"from gevent._installed import missing_library; print(*missing_library({error!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.stdout.split() in (["libuv", "apt-get", "install", "libuv1"], ["libuv", "dnf", "install", "libuv"])


@pytest.mark.parametrize("module", ["resolver/cares", "libev/corecext", "_gevent_c_semaphore", "_gevent_clocal"])
def test_a_native_module_of_theirs_never_comes_before_ours(copy, module):
    """Python takes NAME.SUFFIX before NAME.py, and NAME/__init__.py before both."""
    write(copy / f"{module}{SUFFIX}", "not a native module")
    name = "gevent." + module.replace("/", ".")
    spec = importlib.machinery.PathFinder.find_spec(name, [str((copy / module).parent)])
    assert spec.origin == str(copy / module / "__init__.py")


def test_no_plain_module_of_ours_has_the_name_of_a_native_one_of_theirs(copy):
    """Those of gevent 26.9.0, less what has no counterpart here."""
    theirs = ["_gevent_c_" + name for name in "abstract_linkable greenlet_primitives hub_local hub_primitives".split()]
    theirs += ["_gevent_c_" + name for name in "ident imap semaphore tracer waiter".split()]
    theirs += ["_gevent_" + name for name in "cevent cgreenlet clocal cqueue".split()]
    theirs += ["libev/corecext", "libev/_corecffi", "libuv/_corecffi", "resolver/cares"]
    assert [name for name in theirs if (copy / f"{name}.py").exists()] == []


def test_a_record_that_is_still_as_in_the_wheel_has_nothing_missing(copy):
    """As in the folders of pex."""
    info = copy.parent / "gevent_mp-0.1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("gevent_mp/_installation.py,,\ngevent_mp-0.1.0.data/platlib/METADATA,sha256=A,1\n")
    script = "from gevent_mp._installation import changed_files, own_record; print(changed_files(own_record()))"
    assert run(copy, script).stdout == "[]\n"
