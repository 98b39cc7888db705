#!/usr/bin/env python3
"""`python -m gevent serve` under load, reloaded again and again, while its workers are killed and stopped at random.

Usage: reloads.py [--reloads N] [--seed N] [--clients N] [--disturbances SHARE]

Clients keep connections and ask without a pause worth mentioning. A request may fail only if the worker that had its
connection was killed, or, where that is not known yet, if one was killed between its question and its failure. None may
take for ever. At the end the parent has no more descriptors and processes than after the first reloads, and no more
memory to speak of. A seed repeats who is disturbed how and when in the order of reloads.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from seeded import run_seeded

__all__ = ["main"]

APPLICATION = """
import os
import gevent

def application(environ, start_response):
    gevent.sleep(0.002)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
WORKERS = 2
#: A worker that a signal has stopped is replaced after so long, in seconds, plus one for its report.
HANG_TIMEOUT_S = 1
STOPPED_S = HANG_TIMEOUT_S + 10  # at the most, on a busy machine
#: How long a reload, or one request, may take before it counts as hung: a second or two on a quiet machine.
HUNG_S = 60
#: What the parent may have more of at the end than after the first reloads.
MEMORY_MB, DESCRIPTORS = 8, 2


# -- the clients, in a process of their own --


def ask_for_ever(address, tally):
    """Be a client, as a greenlet, until ``tally["over"]``."""
    import gevent
    from gevent import socket

    connection = pid = None
    while not tally["over"]:
        began = time.time()
        try:
            with gevent.Timeout(HUNG_S, TimeoutError("no answer")):
                if connection is None:
                    connection, pid = socket.create_connection(address), None
                connection.sendall(b"GET / HTTP/1.1\r\nHost: soak\r\n\r\n")
                head, body = _answer(connection)
        except OSError as error:
            tally["failures"].append({"began": began, "ended": time.time(), "pid": pid, "error": repr(error)})
            connection = _close(connection)
            continue
        tally["answers"] += 1
        pid = int(body)
        if b"connection: close" in head.lower():
            connection = _close(connection)
    _close(connection)


def _answer(connection):
    data = b""
    while True:
        head, end, body = data.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
            return head, body
        more = connection.recv(4096)
        if not more:
            raise ConnectionError(f"it ended after {data!r}")
        data += more


def _close(connection):
    if connection is not None:
        connection.close()


def run_clients(host, port, number):
    """Ask until the standard input ends; print what happened as JSON."""
    import gevent
    from gevent.fileobject import FileObject

    tally = {"answers": 0, "failures": [], "over": False}
    clients = [gevent.spawn(ask_for_ever, (host, int(port)), tally) for _ in range(int(number))]
    FileObject(sys.stdin, "r").read()
    tally["over"] = True
    gevent.joinall(clients, timeout=2 * HUNG_S)
    tally["hung"] = sum(not client.ready() for client in clients)
    print(json.dumps(tally))


# -- the service, and who disturbs it --


class Service:
    """The command, with the process ids of its workers and what its parent has open."""

    def __init__(self, folder):
        with open(os.path.join(folder, "soaked.py"), "w") as file:
            file.write(APPLICATION)
        options = ["--bind", "127.0.0.1:0", "--processes", str(WORKERS), "--hang-timeout", str(HANG_TIMEOUT_S)]
        self.errors = open(os.path.join(folder, "errors"), "w+")  # noqa: SIM115 - for as long as this lives
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gevent", "serve", *options, "--start-method", "fork", "soaked"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.address = self.process.stdout.readline().split()[-1].rpartition(":")[::2]
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("it does not start")

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return {int(pid) for pid in file.read().split()}

    def reload(self):
        """Ask for it; wait until none of the workers there were is left, and as many as there should be are there."""
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda now: len(now) == WORKERS and not now & before, "a reload")

    def wait_until(self, settled, what):
        began = time.monotonic()
        while not settled(self.workers()):
            if self.process.poll() is not None:
                raise AssertionError(f"it has ended with {self.process.returncode} amid {what}")
            if time.monotonic() - began > HUNG_S:
                raise AssertionError(f"{what} takes more than {HUNG_S} s; there are {self.workers()}")
            time.sleep(0.02)  # nobody tells of somebody else's children

    def level(self):
        """Return (descriptors, megabytes) of the parent."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
        return len(os.listdir(f"/proc/{self.process.pid}/fd")), memory

    def last_level(self, first):
        """Return the same once nothing of ended workers is open any more, or does not go for long."""
        began = time.monotonic()
        while (last := self.level())[0] > first[0] and time.monotonic() - began < HUNG_S:
            time.sleep(0.02)  # nobody tells of somebody else's descriptors
        return last


def disturb(service, rng, killed):
    """Kill or stop a worker; note it in `killed`."""
    number = rng.choice((signal.SIGKILL, signal.SIGSTOP))
    place = rng.random()
    workers = sorted(service.workers())
    if workers:
        victim = workers[int(place * len(workers))]
        at = time.time()
        try:
            os.kill(victim, number)
        except ProcessLookupError:
            return
        killed.append({"pid": victim, "at": at, "signal": number.name})


def is_excused(failure, killed):
    """Whether the request failed with its worker. One that was stopped is killed up to `STOPPED_S` later."""
    for each in killed:
        lasts_s = 1.0 if each["signal"] == "SIGKILL" else STOPPED_S
        if failure["pid"] == each["pid"] and failure["ended"] >= each["at"]:
            return True
        if failure["pid"] is None and failure["began"] <= each["at"] + lasts_s and failure["ended"] >= each["at"]:
            return True
    return False


def run(reloads, seed, clients, disturbances):
    """Do it in a folder of its own; return (lines to print, complaints)."""
    rng, killed, complaints = random.Random(seed), [], []
    with tempfile.TemporaryDirectory() as folder:
        service = Service(folder)
        asking = subprocess.Popen(
            [sys.executable, __file__, "--be-clients", *service.address, str(clients)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            first = None
            for number in range(reloads):
                if rng.random() < disturbances:
                    disturb(service, rng, killed)
                service.reload()
                if rng.random() < disturbances:
                    disturb(service, rng, killed)
                    service.wait_until(lambda now: len(now) == WORKERS, "a replacement")
                if number == min(5, reloads - 1):
                    first = service.level()
            output, _ = asking.communicate(timeout=3 * HUNG_S)
            service.wait_until(
                lambda now: len(now) == WORKERS and not now & {each["pid"] for each in killed}, "the end"
            )
            last = service.last_level(first)
            service.process.terminate()
            status = service.process.wait(HUNG_S)
        except BaseException:
            service.errors.seek(0)
            print(service.errors.read()[-3000:], file=sys.stderr)
            raise
        finally:
            asking.kill()
            asking.wait()
            service.process.kill()
            service.process.wait()
            service.process.stdout.close()
            service.errors.close()
    tally = json.loads(output)
    excused = [each for each in tally["failures"] if is_excused(each, killed)]
    complaints += [f"failed: {each}" for each in tally["failures"] if each not in excused]
    complaints += [f"{tally['hung']} clients hang"] * bool(tally["hung"])
    complaints += [f"status {status}"] * bool(status)
    if last[0] > first[0] + DESCRIPTORS or last[1] > first[1] + MEMORY_MB:
        complaints.append(f"descriptors, MB: {first} after the first reloads, {last} at the end")
    if not tally["answers"]:
        complaints.append("nothing was answered")
    line = (
        f"{reloads} reloads, {tally['answers']} answers, {len(killed)} workers killed or stopped, "
        f"{len(excused)} requests lost with them, {len(tally['failures']) - len(excused)} others; "
        f"the parent: {first[0]} descriptors, {first[1]:.0f} MB, then {last[0]}, {last[1]:.0f} MB"
    )
    return line, complaints


def main():
    """Run what the command line says; return 1 if there is something to complain about."""
    if sys.argv[1:2] == ["--be-clients"]:
        return run_clients(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reloads", type=int, default=200)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--disturbances", type=float, default=0.2, metavar="SHARE")
    return run_seeded(parser, run)


if __name__ == "__main__":
    sys.exit(main())
