"""Run with a wheel installed and nothing else: both loops, c-ares, and processes by each start method. Exits with 0."""

import subprocess
import sys

DEADLINE_S = 120

SCRIPT = """
from gevent import monkey; monkey.patch_all(multiprocessing=True)
import multiprocessing, socket, sys
import gevent

def square(number):
    return number * number

def main():
    loop, method = sys.argv[1:]
    assert type(gevent.get_hub().loop).__module__.split(".")[1] == loop
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]

if __name__ == "__main__":
    main()
"""


def main():
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "script.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        for loop in ("libev", "libuv"):
            for method in ("fork", "forkserver", "spawn"):
                environment = {**os.environ, "GEVENT_LOOP": loop, "GEVENT_RESOLVER": "ares"}
                command = [sys.executable, script, loop, method]
                subprocess.run(command, env=environment, check=True, timeout=DEADLINE_S)
                print(f"{loop}, {method}: works")


if __name__ == "__main__":
    main()
