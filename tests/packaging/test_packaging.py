"""Every way to install gevent-mp gives a gevent that runs, from a copy of the sources with nothing else beside it.

Each case builds the native half anew and takes minutes, so `make test` leaves this folder to `make test-all`.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 1200
pytestmark = pytest.mark.timeout(2 * DEADLINE_S)

# Runs outside the tree; prints where gevent was found.
WORKS = """
import importlib.metadata, pathlib
import gevent
from gevent.event import Event

event = Event()
gevent.spawn(event.set)
assert event.wait(5)
assert importlib.metadata.version("gevent-mp") == gevent.__mp_version__
plugins = importlib.metadata.entry_points(group="gevent.plugins.monkey.will_patch_all")
assert {plugin.name for plugin in plugins} == {"gevent_mp_guard", "signal_os_incompat"}
assert all(callable(plugin.load()) for plugin in plugins)
package = pathlib.Path(gevent.__file__).parent
assert list((package / "_native").glob("libgevent_native.*"))
print(package)
"""


def run(*command, cwd):
    """Run `command` in `cwd`; return its output, or fail with all of it."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@pytest.fixture
def sources(tmp_path):
    """The files that git has or would add, copied: no build folder, no environment, no native module."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    copy = tmp_path / "sources"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
            (copy / name).chmod((ROOT / name).stat().st_mode)
    return copy


@pytest.fixture
def environment(tmp_path):
    """An empty virtual environment; its interpreter."""
    run(sys.executable, "-m", "venv", tmp_path / "environment", cwd=tmp_path)
    return tmp_path / "environment" / "bin" / "python"


def pip_install(environment, *what, cwd):
    run(environment, "-m", "pip", "install", "-q", "--disable-pip-version-check", *what, cwd=cwd)


def test_pip_install_from_the_tree(sources, environment, tmp_path):
    pip_install(environment, ".", cwd=sources)
    assert "site-packages" in run(environment, "-c", WORKS, cwd=tmp_path)


def test_an_editable_install_uses_the_sources_where_they_are(sources, environment, tmp_path):
    pip_install(environment, "-e", ".", cwd=sources)
    assert run(environment, "-c", WORKS, cwd=tmp_path).strip() == str(sources / "src" / "gevent")
    # It stands in for gevent, and comes before one that is installed all the same.
    pip_install(environment, "gevent==26.9.0", cwd=tmp_path)
    pip_install(environment, "--ignore-installed", "--no-deps", "gevent==26.9.0", cwd=tmp_path)
    assert run(environment, "-c", WORKS, cwd=tmp_path).strip() == str(sources / "src" / "gevent")
    run(environment, "-m", "gevent_mp.doctor", cwd=tmp_path)


def test_sdist_and_wheel_install_in_turn(sources, environment, tmp_path):
    """`python -m build` makes the wheel out of the sdist, not out of the tree."""
    # Not the -m build of this folder: a folder named build in the sources must not shadow the tool.
    run(sys.executable, "-m", "build", "--outdir", tmp_path / "dist", sources, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")

    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if name.endswith((".pyx", ".pxd", ".cpp", ".cc", ".h", ".pyc"))]
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert {name for name in top if not name.endswith(".data")} == {"gevent", "gevent.py", "gevent-mp.pth", "gevent_mp"}
    assert [name.split("/")[1].split(".")[0] for name in names if name.startswith("gevent/")] == ["__init__"]
    with tarfile.open(sdist) as archive:
        members = archive.getnames()
    assert not [name for name in members if name.endswith((".so", ".dylib", ".cpp", ".pyc"))]

    pip_install(environment, wheel, cwd=tmp_path)
    assert "site-packages" in run(environment, "-c", WORKS, cwd=tmp_path)
    run(environment, "-m", "pip", "uninstall", "-q", "-y", "gevent-mp", cwd=tmp_path)
    pip_install(environment, sdist, cwd=tmp_path)
    assert "site-packages" in run(environment, "-c", WORKS, cwd=tmp_path)
