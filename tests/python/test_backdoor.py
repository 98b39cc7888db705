"""The prompt inside a running program."""

import sys

import pytest

import gevent
from gevent import backdoor, socket
from gevent.event import Event


class _Client:
    def __init__(self, server):
        self._socket = socket.create_connection(("127.0.0.1", server.server_port))

    def until(self, end):
        with gevent.Timeout(20):
            text = b""
            while not text.endswith(end):
                data = self._socket.recv(1)
                if not data:
                    break
                text += data
        return text.decode()

    def say(self, line, end=b">>> "):
        self._socket.sendall(line.encode() + b"\r\n")
        return self.until(end)

    def close(self):
        self._socket.close()


@pytest.fixture
def serve():
    servers, clients = [], []

    def connect(**arguments):
        if not servers:
            servers.append(backdoor.BackdoorServer(("127.0.0.1", 0), **arguments))
            servers[0].start()
        clients.append(_Client(servers[0]))
        return clients[-1]

    yield connect
    for each in clients:
        each.close()
    for each in servers:
        each.stop(timeout=1)


def test_a_session_evaluates_what_it_is_sent(serve):
    client = serve(banner="Welcome", locals={"answer": 42})
    assert client.until(b">>> ") == "Welcome\n>>> "
    assert client.say("answer") == "42\n>>> "
    assert client.say("def f():", b"... ") == "... "
    assert client.say("  return 'caf\u00e9'", b"... ") == "... "
    assert client.say("") == ">>> "
    assert client.say("f()") == "'caf\u00e9'\n>>> "
    assert client.say("1/0").endswith("ZeroDivisionError: division by zero\n>>> ")
    assert len(client.say("locals()['__builtins__']")) < 100


def test_a_session_prints_and_reads_by_itself_while_others_go_on(serve, capsys):
    gate = Event()
    client = serve(locals={"gate": gate})
    client.until(b">>> ")
    client._socket.sendall(b"print('before'); gate.wait(); print('after')\n")
    assert client.until(b"before\n") == "before\n"
    print("mine")
    gate.set()
    assert client.until(b">>> ") == "True\nafter\n>>> "
    client._socket.sendall(b"input('name? ')\nBob\n")
    assert client.until(b">>> ") == "name? 'Bob'\n>>> "
    assert capsys.readouterr().out == "mine\n"


def test_sessions_have_variables_of_their_own(serve):
    first, second = serve(locals={"shared": []}), serve()
    for each in (first, second):
        each.until(b">>> ")
    first.say("own = 1; shared.append(1)")
    assert "NameError" in second.say("own")
    assert second.say("shared") == "[1]\n>>> "


@pytest.mark.parametrize("goodbye", ["quit()", "exit(3)", "raise SystemExit", "import sys; sys.exit()"])
def test_a_session_ends_silently_on_goodbye(serve, goodbye):
    client = serve()
    client.until(b">>> ")
    assert client.say(goodbye) == ""


def test_the_streams_of_the_process_are_back_after_the_last_session(serve):
    streams = sys.stdin, sys.stdout, sys.stderr
    first, second = serve(), serve()
    for each in (first, second):
        each.until(b">>> ")
    assert sys.stdout is not streams[1]
    first.say("quit()")
    assert second.say("1") == "1\n>>> "
    second.say("quit()")
    with gevent.Timeout(20):
        while (sys.stdin, sys.stdout, sys.stderr) != streams:
            gevent.sleep(0)


def test_stopping_the_server_ends_its_sessions():
    with backdoor.BackdoorServer(("127.0.0.1", 0)) as server:
        server.start()
        client = _Client(server)
        client.until(b">>> ")
        server.stop(timeout=0)
        assert client.until(b"nothing") == ""
        client.close()
