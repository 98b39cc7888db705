"""The stubs are right: about themselves, about a typed program, about what is there, and as types-gevent's are.

Each checker is run as a user runs it, over the configuration beside this file. What stubtest may find is in
``allowlist.txt``, with reasons; one that has healed is an error too.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STUBS = sorted((ROOT / "src").rglob("*.pyi"))


def run(*command, deadline_s=240, **environment):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=deadline_s,
    )
    return done.returncode, done.stdout


def test_mypy_strict_has_nothing_to_say_of_the_stubs_and_the_examples(tmp_path):
    status, said = run(
        "-m", "mypy", "--config-file", HERE / "mypy.ini", "--cache-dir", tmp_path, *STUBS, HERE / "examples.py"
    )
    assert status == 0, said
    # examples.py stands or falls with its `ignore`s: none may have gone unused, and none may be there in vain.
    assert "Success" in said


@pytest.mark.timeout(300)
def test_pyright_has_nothing_to_say_of_the_stubs_and_the_examples():
    status, said = run("-m", "pyright", "--warnings", "-p", HERE / "pyrightconfig.json")
    assert status == 0, said
    assert "0 errors, 0 warnings" in said


@pytest.mark.timeout(300)
def test_stubtest_finds_what_the_stubs_say(tmp_path):
    bluetooth = ("--allowlist", HERE / "allowlist_bluetooth.txt") if hasattr(socket, "AF_BLUETOOTH") else ()
    status, said = run(
        *("-m", "mypy.stubtest", "gevent", "gevent_mp"),
        *("--mypy-config-file", HERE / "stubtest.ini", "--allowlist", HERE / "allowlist.txt", *bluetooth),
        "--concise",
        MYPY_CACHE_DIR=str(tmp_path),
    )
    assert status == 0, said


def test_the_examples_do_what_they_say():
    status, said = run(HERE / "examples.py", deadline_s=120)
    assert status == 0 and said.endswith("all of it\n"), said


def test_every_public_module_has_a_stub():
    without = []
    for source in sorted((ROOT / "src").rglob("*.py")):
        name = source.relative_to(ROOT / "src").with_suffix("").as_posix()
        if re.search(r"/_(?!_init__)", name) or source.with_suffix(".pyi").exists():
            continue
        without.append(name)
    assert without == []
    for package in ("gevent", "gevent_mp"):
        assert (ROOT / "src" / package / "py.typed").exists()


#: Programs that cannot be read alone, or that are about what types-gevent does not know and takes for anything at all.
NOT_COMPARABLE = re.compile(
    r"^\s*from \.|gevent(_mp|\.| import .*)(multiprocessing|processpool|serve|supervisor|top)", re.MULTILINE
)


def errors_of(program_folder, cache, **environment):
    """Return {(file, line): what mypy says of it} of the programs in `program_folder`."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", str(cache)),
            *("--check-untyped-defs", "--ignore-missing-imports", "--no-error-summary", "."),
        ],
        cwd=program_folder,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    found = re.findall(r"^(.+?):(\d+): error: (.+)$", done.stdout, re.MULTILINE)
    # 1: there are errors. Anything else, or an error that stops mypy, is one of this test.
    assert done.returncode in (0, 1) and not done.stderr, done.stdout[-2000:] + done.stderr
    return {(file, line): sentence for file, line, sentence in found}


@pytest.mark.timeout(300)
def test_programs_that_types_gevent_accepts_are_accepted(tmp_path, capsys):
    """Line by line, over our own programs and tests, which use most of gevent, and none of which has types."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in ("tests/python", "examples", "tests/soak", "benchmarks"):
        for source in (ROOT / folder).rglob("*.py"):
            text = source.read_text(encoding="utf-8")
            if not NOT_COMPARABLE.search(text):
                name = "_".join(source.relative_to(ROOT).parts)
                (programs / name).write_text(text, encoding="utf-8")
    theirs = errors_of(programs, tmp_path / "theirs")
    ours = errors_of(programs, tmp_path / "ours", MYPYPATH=str(ROOT / "src"))
    with capsys.disabled():
        print(f"\nlines that mypy objects to: {len(theirs)} with types-gevent, {len(ours)} with our stubs")
    assert len(theirs) > 100  # or it has not looked
    new = {where: said for where, said in ours.items() if where not in theirs}
    assert not new, "\n".join(f"{file}:{line}: {said}" for (file, line), said in sorted(new.items()))
