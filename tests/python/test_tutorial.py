"""The tutorial's programs, each step of them, driven as their reader would."""

import gzip
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from scripts import connected, free_port, running

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DEADLINE_S = 60
PAGES = 30


class Site(BaseHTTPRequestHandler):
    """Page n links to 2n and 2n+1, to the first page and to one that is missing; all pages say some words."""

    def do_GET(self):  # noqa: N802 - the standard library's name
        number = int(self.path.strip("/") or 1)
        if not 1 <= number <= PAGES:
            self.send_error(404)
            return
        links = "".join(f'<a href="/{n}#top">next</a>' for n in (2 * number, 2 * number + 1, 1))
        page = f"<html>hive hive comb {links}</html>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def site():
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def run(program, *arguments):
    done = subprocess.run(
        [sys.executable, program.name, *arguments],
        cwd=program.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def in_folder(folder, *words):
    """An example, running, until the block ends."""
    return running(sys.executable, *words, cwd=EXAMPLES / folder)


def stops(process):
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert "Traceback" not in output, output
    return process.returncode


def test_the_first_crawler_fetches_what_it_is_told(site):
    lines = run(EXAMPLES / "crawler" / "one.py", site, site + "7", site + "99").splitlines()
    sizes = dict(line.split(" ", 1) for line in lines)
    assert int(sizes[site + "7"]) > 0 and int(sizes[site]) > 0
    assert "404" in sizes[site + "99"]


def test_the_second_crawler_finds_every_page_once(site):
    assert run(EXAMPLES / "crawler" / "two.py", site + "1").startswith(f"{PAGES} pages, ")


def test_the_third_crawler_counts_the_words_in_processes(site):
    assert f"{2 * PAGES} hive\n" in run(EXAMPLES / "crawler" / "three.py", site + "1")


def test_the_first_chat_passes_on_what_is_said():
    port = free_port()
    with (
        in_folder("chat", "one.py", f"127.0.0.1:{port}") as process,
        connected(port, process) as one,
        connected(port, process) as two,
    ):
        heard = two.makefile("r")
        two.sendall(b"I listen\n")
        assert one.makefile("r").readline() == "I listen\n"  # now both are known
        one.sendall(b"hello\n")
        assert heard.readline() == "hello\n"


class Visitor:
    def __init__(self, port, process, name):
        self.socket = connected(port, process)
        self.lines = self.socket.makefile("r")
        assert self.lines.readline() == "your name?\n"
        self.say(name)

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def hears(self, line):
        assert self.lines.readline() == line + "\n"

    def leaves(self):
        self.lines.close()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.mark.parametrize("step", ["two.py", "three.py"])
def test_the_chat_has_names_and_keeps_what_was_said(step, tmp_path):
    port = free_port()
    kept = tmp_path / "said.gz"
    with in_folder("chat", step, f"127.0.0.1:{port}", str(kept)) as process:
        first = Visitor(port, process, "Bee")
        first.hears("* Bee is here")
        second = Visitor(port, process, "Bee")
        second.hears("that one is taken")
        second.leaves()
        third = Visitor(port, process, "Ant")
        first.hears("* Ant is here")
        third.say("hello")
        first.hears("Ant: hello")
        third.leaves()
        first.hears("* Ant has left")
        assert stops(process) == 0
        first.leaves()
    if step == "three.py":
        with gzip.open(kept, "rt") as file:
            said = [line.split(" ", 1)[1].strip() for line in file]
        assert said[:4] == ["* Bee is here", "* Ant is here", "Ant: hello", "* Ant has left"]


def test_a_chat_sends_away_who_does_not_listen():
    port = free_port()
    with in_folder("chat", "two.py", f"127.0.0.1:{port}") as process:
        deaf, talker = Visitor(port, process, "deaf"), Visitor(port, process, "talker")
        talker.hears("* talker is here")
        said = "talker: " + "x" * 900
        for _ in range(40_000):
            talker.say("x" * 900)
            heard = talker.lines.readline().strip()
            if heard != said:
                break
        talker.hears(said)
        assert heard == "* deaf has left"
        talker.say("still here")
        talker.hears("talker: still here")
        deaf.leaves()
        talker.leaves()


def get(port, process, path):
    connected(port, process).close()
    try:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=DEADLINE_S) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


def with_port(folder, step, port):
    """A command that runs a step of the tutorial at another port than the page's own, which may be taken here."""
    text = (EXAMPLES / folder / step).read_text(encoding="utf-8")
    assert "8000" in text
    return ["-c", text.replace("8000", str(port))]


def test_the_first_web_application_answers():
    port = free_port()
    with in_folder("web", *with_port("web", "one.py", port)) as process:
        assert get(port, process, "1000") == (200, b"168\n")


def test_the_second_computes_in_processes_and_answers_meanwhile(tmp_path):
    port = free_port()
    (tmp_path / "main.py").write_text(with_port("web", "two.py", port)[1])
    with in_folder(
        "web",
        "-c",
        "import sys, runpy; sys.path.insert(0, ''); runpy.run_path(sys.argv[1], run_name='__main__')",
        str(tmp_path / "main.py"),
    ) as process:
        assert get(port, process, "bees")[0] == 404
        slow = threading.Thread(target=get, args=(port, process, "90000000"))
        slow.start()
        assert get(port, process, "1000") == (200, b"168\n")
        slow.join(DEADLINE_S)


def test_the_third_is_served_by_workers():
    port = free_port()
    command = ["-m", "gevent", "serve", "three:make_app", "--factory", "--processes", "2"]
    with in_folder("web", *command, "--bind", f"127.0.0.1:{port}") as process:
        assert get(port, process, "1000") == (200, b"168\n")
        assert stops(process) == 0
