"""An import of another gevent than gevent-mp's is told of, with the line that mends it, where .pth files are read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
DEADLINE_S = 60

# What the line in gevent-mp.pth does, at the end of what `site` does.
START = f"""
import sys
sys.path.append({str(SOURCES)!r})
import gevent_mp._path
gevent_mp._path.start()
"""
PROGRAM = "import gevent; print(getattr(gevent, '__mp_version__', 'theirs'))"


@pytest.fixture
def theirs(tmp_path):
    """A folder with what an import of gevent's own would find."""
    (tmp_path / "vendored folder" / "gevent").mkdir(parents=True)
    (tmp_path / "vendored folder" / "gevent" / "__init__.py").write_text('\n__version__ = "26.9.0"\n')
    return tmp_path / "vendored folder"


@pytest.fixture
def started(tmp_path):
    """An environment whose interpreters begin as one with gevent-mp.pth does; its variables."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "usercustomize.py").write_text(START)
    (tmp_path / "start" / "sitecustomize.py").write_text(START)
    return {**os.environ, "PYTHONPATH": str(tmp_path / "start"), "PYTHONDONTWRITEBYTECODE": "1"}


def run(command, variables, cwd):
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        env=variables,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def line_of(done):
    """Return the line that mends it, which `done` was told."""
    found = f"RuntimeWarning: gevent-mp is installed, but this program has imported gevent 26.9.0 from {done.file}"
    assert found in done.stderr, done.stderr
    return done.stderr.partition("To mend it, type: ")[2].partition("\n")[0]


def told(command, variables, cwd, theirs):
    done = run(command, variables, cwd)
    assert done.stdout == "theirs\n", done.stderr
    done.file = theirs / "gevent" / "__init__.py"
    return line_of(done)


def ours(command, variables, cwd):
    done = run(command, variables, cwd)
    assert done.stdout != "theirs\n" and done.stderr == ""


def test_a_folder_of_pythonpath_is_told_of_and_its_line_mends_it(started, theirs, tmp_path):
    started["PYTHONPATH"] += f"{os.pathsep}{theirs}"
    command = f'{sys.executable} -c "{PROGRAM}"'
    line = told(command, started, tmp_path, theirs)
    assert line.startswith("export PYTHONPATH=") and line.endswith("${PYTHONPATH:+:$PYTHONPATH}")
    ours(f"{line} && {command}", started, tmp_path)


def add_to_start(started, script):
    for name in ("usercustomize.py", "sitecustomize.py"):
        (Path(started["PYTHONPATH"]) / name).write_text(f"{script}\n{START}")


def test_a_folder_that_a_pth_file_has_added_is_told_of_and_its_line_mends_it(started, theirs, tmp_path):
    """Such as the environment of ``uv run --with``, which lies in uv's cache, before that of the project."""
    script = "import sys, sysconfig; sys.path.insert(sys.path.index(sysconfig.get_path('stdlib')) + 1, {!r})"
    add_to_start(started, script.format(str(theirs)))
    command = f'{sys.executable} -c "{PROGRAM}"'
    line = told(command, started, tmp_path, theirs)
    assert line.startswith("export PYTHONPATH=")
    ours(f"{line} && {command}", started, tmp_path)


def test_one_that_was_imported_before_gevent_mp_could_look_is_told_of(started, theirs, tmp_path):
    add_to_start(started, "import gevent")
    started["PYTHONPATH"] += f"{os.pathsep}{theirs}"
    command = f'{sys.executable} -c "{PROGRAM}"'
    ours(f"{told(command, started, tmp_path, theirs)} && {command}", started, tmp_path)


@pytest.mark.parametrize("how", ["-c", "script", "-m"])
def test_the_programs_own_folder_is_told_of_and_its_line_mends_it(started, theirs, how):
    (theirs / "program.py").write_text(PROGRAM)
    command = {"-c": ["-c", PROGRAM], "script": ["program.py"], "-m": ["-m", "program"]}[how]
    line = told([sys.executable, *command], started, theirs, theirs)
    assert line == f"mv '{theirs}/gevent' '{theirs}/gevent'.aside"
    run(line, started, theirs)
    ours([sys.executable, *command], started, theirs)


def test_a_folder_that_the_program_puts_first_is_told_of(started, theirs, tmp_path):
    (tmp_path / "program.py").write_text(f"import sys; sys.path.insert(0, {str(theirs)!r})\n{PROGRAM}")
    line = told([sys.executable, "program.py"], started, tmp_path, theirs)
    run(line, started, tmp_path)
    ours([sys.executable, "program.py"], started, tmp_path)


def test_warnings_that_are_errors_stop_the_import(started, theirs, tmp_path):
    started["PYTHONPATH"] += f"{os.pathsep}{theirs}"
    done = run([sys.executable, "-W", "error::RuntimeWarning", "-c", PROGRAM], started, tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("RuntimeWarning: gevent-mp is installed, but ")


def test_an_empty_folder_in_its_name_is_told_of(started, theirs, tmp_path):
    (theirs / "gevent" / "__init__.py").unlink()
    script = "import gevent_mp._guard, importlib.machinery\n"
    script += f"spec = importlib.machinery.PathFinder.find_spec('gevent', [{str(theirs)!r}])\n"
    script += "gevent_mp._guard.on_found(spec, stacklevel=1)"
    done = run([sys.executable, "-c", script], started, tmp_path)
    assert f"RuntimeWarning: gevent-mp is installed, but `import gevent` finds an empty folder ({theirs}/gevent)" in (
        done.stderr
    )
    assert "To mend it, type: " in done.stderr


def test_ours_is_imported_without_a_word_and_looked_for_as_ever(started, tmp_path):
    script = "import importlib.util, sys\nprint(importlib.util.find_spec('gevent').origin)\nimport gevent, gevent.hub"
    done = run([sys.executable, "-W", "always", "-c", script], started, tmp_path)
    assert (done.stdout, done.stderr) == (f"{SOURCES / 'gevent' / '__init__.py'}\n", "")


def test_a_start_imports_nothing_else(tmp_path):
    """It is paid by every interpreter of an environment, of pip's too."""
    script = f"import sys; sys.path.insert(0, {str(SOURCES)!r}); before = set(sys.modules)\n"
    script += "import gevent_mp._path; gevent_mp._path.start(); gevent_mp._path.start()\n"
    script += "print(sorted(set(sys.modules) - before), sum(f is gevent_mp._path._Watcher for f in sys.meta_path))"
    done = run([sys.executable, "-I", "-S", "-c", script], None, tmp_path)
    assert done.stdout == "['gevent_mp', 'gevent_mp._path'] 1\n", done.stderr
