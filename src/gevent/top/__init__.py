"""``python -m gevent top PID`` and ``python -m gevent stacks PID``: what the processes of a program do.

Of a supervisor's (``python -m gevent serve``), or of any program that was started with ``GEVENT_TOP=1`` or has called
`gevent.util.serve_top`. From gevent-mp; gevent has no such thing.
"""

import argparse
import json
import sys
import time

from gevent.top import _client, _screen

__all__ = ["main", "stacks_main"]

#: Between two looks, from which a rate is known, in seconds.
SAMPLE_S = 0.5


def look(pid):
    """Return what the processes of `pid` answer: ``{"pid": pid, "workers": [...]}``. Raises `_client.NotThere`."""
    found = [_client.ask(each, b"state") for each in _client.processes_of(pid)]
    return {"pid": pid, "workers": [each for each in found if each is not None]}


def _parser(name, what):
    parser = argparse.ArgumentParser(prog=f"python -m gevent {name}", description=what)
    parser.add_argument("pid", type=int, metavar="PID", help="a process: it and all that descend from it are shown")
    return parser


def main(arguments=None):
    """Show workers, requests, greenlets and their waits, stalls, memory, descriptors; return 1 if there is nobody."""
    parser = _parser("top", main.__doc__.partition(";")[0])
    parser.add_argument("--once", action="store_true", help="one table of text")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    try:
        look(options.pid)  # rates are known from the second look on
        if not options.once and not options.json:
            return _live(options.pid)
        time.sleep(SAMPLE_S)
        state = look(options.pid)
    except _client.NotThere as error:
        print(f"top: {error}", file=sys.stderr)
        return 1
    print(json.dumps(state, indent=2) if options.json else _screen.text_of(state))
    return 0


def _live(pid):
    try:
        import rich  # noqa: F401
    except ImportError:
        print("top: a live table needs rich: pip install rich; --once does without", file=sys.stderr)
        return 1
    try:
        _screen.live(lambda: look(pid), pid)
    except KeyboardInterrupt:
        return 0


def stacks_main(arguments=None):
    """Print the stack of every greenlet and thread of the processes; return 1 if there is none."""
    options = _parser("stacks", stacks_main.__doc__.partition(";")[0]).parse_args(arguments)
    try:
        processes = _client.processes_of(options.pid)
    except _client.NotThere as error:
        print(f"stacks: {error}", file=sys.stderr)
        return 1
    for pid in processes:
        answer = _client.ask(pid, b"stacks")
        print(f"=== process {pid}")
        print(answer["stacks"] if answer else "it does not answer")
    return 0
