"""Tools that look for gevent without importing it find ours: type checkers, walks through packages, PyInstaller."""

import re
import sys

import pytest
from environments import DEADLINE_S, GEVENT, MP_VERSION, run

pytestmark = pytest.mark.timeout(2 * DEADLINE_S)

TYPED = """\
import gevent
from gevent.monkey import patch_all

patch_all(multiprocessing=True)
reveal_type(gevent.spawn(len, "four").get())
reveal_type(gevent.__mp_version__)
"""
CHECKERS = {
    "mypy": ["-m", "mypy", "--strict", "--cache-dir", "{folder}/cache", "--python-executable", "{python}"],
    "pyright": ["-m", "pyright", "--pythonpath", "{python}"],
}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("what", ["gevent-mp", f"gevent-mp {GEVENT}"])
def test_a_checker_reads_the_stubs_of_an_installed_wheel(environment, checker, what):
    environment.do(f"install {what}")
    program = environment.folder / "typed.py"
    program.write_text(TYPED)
    words = [word.format(folder=environment.folder, python=environment.python) for word in CHECKERS[checker]]
    done = run([sys.executable, *words, program], environment.folder, environment.variables, check=False)
    assert done.returncode == 0, done.stdout
    # What either says of a type: `builtins.int` or `int`, in quotation marks.
    assert re.findall(r'"(?:builtins\.)?(int|str)"', done.stdout) == ["int", "str"], done.stdout


def test_packages_are_walked_through_and_resources_found(plain):
    plain.do(f"install gevent-mp {GEVENT}")
    script = """
import gevent, importlib.resources, pkgutil, sys
names = {each.name for each in pkgutil.walk_packages(gevent.__path__, "gevent.", onerror=print)}
assert {"gevent.hub", "gevent.pywsgi", "gevent.multiprocessing", "gevent._native.ares"} <= names, names
assert not [name for name in names if "_ffi" in name], names
assert (importlib.resources.files("gevent") / "py.typed").is_file()
print(importlib.resources.files("gevent_mp").name, gevent.__mp_version__)
"""
    done = run([plain.python, "-c", script], plain.folder, plain.variables)
    assert done.stdout == f"gevent_mp {MP_VERSION}\n"


FROZEN = """\
from gevent import monkey

monkey.patch_all(multiprocessing=True)

import multiprocessing
import sys


def square(number):
    return number * number


if __name__ == "__main__":
    multiprocessing.freeze_support()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map(square, range(4)))
"""


def test_a_frozen_program_has_pools_by_each_start_method(plain):
    plain.do(f"install gevent-mp {GEVENT} pyinstaller")
    program = plain.folder / "program.py"
    program.write_text(FROZEN)
    run([plain.python, "-m", "PyInstaller", "-y", "--log-level", "ERROR", program], plain.folder, plain.variables)
    for method in ("spawn", "forkserver", "fork"):
        frozen = [plain.folder / "dist" / "program" / "program", method]
        assert run(frozen, plain.folder, plain.variables).stdout == "[0, 1, 4, 9]\n"
