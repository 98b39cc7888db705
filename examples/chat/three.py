"""What is said is kept by another process, which packs and writes it; not a word is lost when the server stops."""

from gevent import monkey

monkey.patch_all(multiprocessing=True)

import gzip  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from multiprocessing import Process, Queue  # noqa: E402

from two import Room, serve  # noqa: E402


def keep(said, path):
    """Runs in a process of its own, until it gets None."""
    with gzip.open(path, "at", encoding="utf-8") as file:
        while (line := said.get()) is not None:
            file.write(line + "\n")


class KeptRoom(Room):
    def __init__(self, said):
        super().__init__()
        self.said = said

    def say(self, line):
        self.said.put(f"{time.time():.3f} {line}")  # does not wait: multiprocessing's queue has a feeder
        super().say(line)


if __name__ == "__main__":
    said = Queue()
    keeper = Process(target=keep, args=(said, sys.argv[2]))
    keeper.start()
    try:
        serve(sys.argv[1], KeptRoom(said))
    finally:
        said.put(None)
        keeper.join()
