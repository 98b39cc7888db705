"""Every C++ header stands alone: a file that includes it needs to include nothing else first."""

import json
import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from tree import ROOT, files, names

HEADERS = names(files("cpp", ".h"))
# All of them are compiled for the first test: minutes, on a machine that is busy.
pytestmark = pytest.mark.timeout(900)


def compile_flags():
    """The compiler and its include and language flags, as the build of the bridge uses them."""
    database = ROOT / "build" / "dev" / "compile_commands.json"
    if not database.exists():
        pytest.fail("build/dev/compile_commands.json is missing: run `make build` first")
    with open(database, encoding="utf-8") as source:
        entries = json.load(source)
    entry = next((e for e in entries if "gevent_native.dir" in e["command"]), entries[0])
    words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
    kept = [words[0]]
    for before, word in zip(words, words[1:], strict=False):
        if word.startswith(("-I", "-std", "-W", "-f", "-isystem")) or before == "-isystem":
            kept.append(word)
    return kept


@pytest.fixture(scope="module")
def outcomes():
    """Compile every header by itself, two at a time; return the compiler's complaints by header."""
    flags = compile_flags()

    def complaints(header):
        include = header.removeprefix("cpp/")
        done = subprocess.run(
            [*flags, "-fsyntax-only", "-x", "c++", "-"],
            input=f'#include "{include}"\n#include "{include}"\n',
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=120,
        )
        return done.stderr if done.returncode else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(HEADERS, pool.map(complaints, HEADERS), strict=True))


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_compiles_alone(header, outcomes):
    assert not outcomes[header], outcomes[header]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_guards_itself_with_pragma_once(header):
    assert "#pragma once" in (ROOT / header).read_text(encoding="utf-8")
