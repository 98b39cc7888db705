"""Every Python program in the documentation runs: one that serves until it has answered, all others to their end."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

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
    with socket.create_server(("127.0.0.1", 0)) as free:
        chosen = free.getsockname()[1]
    program.write_text(text.replace(str(port), str(chosen)) if port else text)
    process = subprocess.Popen(
        [sys.executable, str(program)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        if port:
            answer(chosen, process)
            process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    assert process.returncode in ((0, -signal.SIGTERM) if port else (0,)), output
    assert "Traceback" not in output


def answer(port, process):
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
                connection.sendall(b"hello")
                assert connection.recv(5) == b"hello"
                return
        except ConnectionRefusedError:
            assert process.poll() is None and time.monotonic() < deadline, "it does not serve"
            time.sleep(0.05)  # nothing tells when another program begins to listen
