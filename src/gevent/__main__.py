"""``python -m gevent COMMAND``: the programs that come with gevent-mp. Without a command, a list of them.

From gevent-mp; gevent has no such thing.
"""

import os
import signal
import sys
from importlib import import_module

__all__ = ["COMMANDS", "main"]

#: {command: (module, function, what it does)}; each function takes no argument, reads `sys.argv`, returns a status.
COMMANDS = {
    "doctor": ("gevent_mp.doctor", "main", "what is installed, what is wrong, and the line that mends it"),
    "info": ("gevent_mp.info", "main", "versions and settings, for a bug report"),
    "serve": ("gevent.serve", "main", "serve a WSGI application with several processes"),
    "top": ("gevent.top", "main", "what the processes of a program do, live"),
    "stacks": ("gevent.top", "stacks_main", "the stacks of all greenlets of a program's processes"),
    "monkey": ("gevent.monkey", "main", "run a program that is patched before its first line"),
}


def usage():
    """Return the list of commands as text."""
    width = max(map(len, COMMANDS))
    lines = [f"    {name:<{width}}  {what}" for name, (_, _, what) in COMMANDS.items()]
    return "\n".join(["python -m gevent COMMAND [OPTIONS], where COMMAND is one of", "", *lines, ""])


def main():
    """Run the command that `sys.argv` names and return its exit status; 2 for one that does not exist."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] not in COMMANDS:
        print(f"python -m gevent: no such command: {arguments[0]}\n\n{usage()}", file=sys.stderr)
        return 2
    module, function, _ = COMMANDS[arguments[0]]
    sys.argv[:] = [f"python -m gevent {arguments[0]}", *arguments[1:]]
    return getattr(import_module(module), function)()


def _run():
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        if sys.argv[0].endswith(" monkey"):
            raise  # the user's program says where it was
        # As a program ends that does nothing about Ctrl-C: killed by it, which a shell sees, without a word.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    _run()
