"""The processes of one supervisor, and what is known of each."""

import json
import os
import signal as _signal
from dataclasses import dataclass, field
from time import monotonic

import gevent
from gevent._parent_ends import wait_for_end
from gevent.event import Event
from gevent.supervisor._worker import Setup, parent_ends, run_worker
from gevent.top._server import forget, stat_fields

__all__ = ["REPLACED", "Member", "Record", "follow", "start_member"]

#: How long a worker that was told to end may take beyond its own timeout, in seconds, before it is killed.
LAST_GRACE_S = 1.0
#: Why workers are killed that others replace.
REPLACED = ("hung", "garbled")


@dataclass(frozen=True)
class Record:
    """What callbacks of a supervisor are told of a worker: `reason` is a text, `exitcode` None while it lives."""

    number: int
    pid: int
    exitcode: int = None
    reason: str = None


@dataclass(eq=False)
class Member:
    """One worker process, as the parent sees it."""

    number: int
    generation: int
    process: object
    connection: object
    started_at: float = field(default_factory=monotonic)
    last_beat: float = field(default_factory=monotonic)
    owner: int = field(default_factory=os.getpid)  # whose worker it is
    is_ready: bool = False
    broken: str = None  # what it said before it ended without having been ready
    leaving: str = None  # why it is to end
    retiring: bool = False  # its successor is being tried
    on_trial: bool = False  # not replaced if it fails
    beat: dict = field(default_factory=dict)
    asked: int = 0  # so often, by `ask`
    answered: int = 0
    told: Event = field(default_factory=Event)  # something by it
    settled: Event = field(default_factory=Event)  # ready, or ended
    ended: Event = field(default_factory=Event)

    @property
    def pid(self):
        """Its process id."""
        return self.process.pid

    def record(self, reason=None):
        """Return what callbacks are told."""
        return Record(self.number, self.pid, self.process.exitcode, reason)

    def tell(self, message):
        """Send `message`, unless the worker is gone. Waits only if the worker has not read for long."""
        try:
            self.connection.send_bytes(json.dumps(message).encode())
        except OSError:
            pass  # ended: whoever waits for that will know

    def take_beat(self, message):
        """It has said how it is."""
        self.beat = message["beat"]
        self.answered = max(self.answered, message.get("how", 0))
        self.told.set()

    def ask(self, timeout):
        """Have it say how it is now, for `beat`; wait at most `timeout` seconds for that."""
        self.asked += 1
        number = self.asked
        with gevent.Timeout(timeout, False):
            self.tell({"how": number})
            while self.answered < number and not self.ended.is_set():
                self.told.clear()
                self.told.wait()

    def stop(self, timeout, reason):
        """Tell it to end within `timeout` seconds, wait for that, and kill it if it does not."""
        self.leaving = self.leaving or reason
        gevent.spawn(self.tell, {"stop": timeout})  # which waits for one that is stopped and has much to read
        if not self.ended.wait(timeout + LAST_GRACE_S):
            self.kill(reason)
            self.ended.wait()

    def kill(self, reason):
        """End it at once, whatever it does: also one that is stopped, or that never comes back from C."""
        self.leaving = reason
        self.signal(_signal.SIGKILL)

    def signal(self, number):
        """Send it a signal, unless it has ended, or is another process's: this one was forked by the supervisor."""
        if not self.ended.is_set() and self.owner == os.getpid():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass  # just now

    def is_stopped(self):
        """Whether a signal has stopped it, and nobody lets it go on; False where the system does not tell."""
        try:
            return stat_fields(self.pid)[0] in "Tt"
        except OSError:
            return False

    def how_it_ended(self):
        """Return that as text."""
        code = self.process.exitcode
        if self.leaving:
            return self.leaving
        if code is not None and code < 0:
            return f"killed by {_signal.Signals(-code).name}"
        return f"ended by itself with status {code}"


def start_member(context, number, generation, supervisor):
    """Start a worker for `supervisor` and return its `Member`. Takes as long as starting a process does."""

    def setup_with(connection):
        setup = Setup(
            number=number,
            generation=generation,
            target=supervisor.target,
            listeners=supervisor.listeners,
            connection=connection,
            parent_pid=os.getpid(),
            graceful_timeout=supervisor.graceful_timeout,
            hang_timeout=supervisor.hang_timeout,
            share=supervisor.shares.of(number),
            forked=context.get_start_method() == "fork",
        )
        return (setup,)

    supervisor.shares.admit(number)
    process, connection = parent_ends.start(context, run_worker, setup_with, name=f"worker-{number}")
    return Member(number, generation, process, connection)


def follow(member, on_message, on_end):
    """Start the greenlets of `member`: they call ``on_message(member, it)``, and at its end ``on_end(member)``."""

    def hear():
        while True:
            try:
                message = json.loads(member.connection.recv_bytes())
            except (EOFError, OSError):
                break
            except ValueError:
                member.kill(
                    "garbled"
                )  # something in it has written there: what it says from now on is not to be trusted
                break
            on_message(member, message)

    def bury():
        wait_for_end(member.process, hearing)
        if member.owner != os.getpid():
            return
        parent_ends.give_up(member.connection)
        forget(member.pid)
        member.ended.set()
        member.told.set()
        on_end(member)
        member.settled.set()

    hearing = gevent.spawn(hear)
    return gevent.spawn(bury)
