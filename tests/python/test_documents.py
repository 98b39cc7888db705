"""Every Python program in the documentation runs: one that serves until it has answered, all others to their end."""

import re
import signal
import sys
import textwrap
from pathlib import Path

import pytest
from scripts import connected, free_port, running

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]
BLOCK = re.compile(r"^\.\. code-block:: python\n((?:\n|    .*\n)+)", re.MULTILINE)
PROGRAMS = [
    pytest.param(textwrap.dedent(found.group(1)), id=f"{page.name}-{number}")
    for page in PAGES
    for number, found in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")))
]


def serves_at(text):
    found = re.search(r'127\.0\.0\.1(?:", |:)(\d+)', text)
    return int(found.group(1)) if found else None


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program_in_the_documentation_runs(text, tmp_path):
    port = serves_at(text)
    program = tmp_path / "program.py"
    # Whatever else runs here may have the page's own port.
    chosen = free_port()
    program.write_text(text.replace(str(port), str(chosen)) if port else text)
    with running(sys.executable, str(program), cwd=tmp_path) as process:
        if port:
            with connected(chosen, process) as connection:
                connection.sendall(b"hello")
                assert connection.recv(5) == b"hello"
            process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode in ((0, -signal.SIGTERM) if port else (0,)), output
    assert "Traceback" not in output
