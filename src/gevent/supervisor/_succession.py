"""Workers that take the place of others: a reload, one that retires, more or fewer of them."""

import gevent
from gevent.lock import RLock

__all__ = ["Succession"]

#: When a worker that is to retire, and whose successor has failed, is tried to be replaced again, in seconds.
AGAIN_S = 5.0
#: So often is one on trial started that ends without a word.
TRIES = 3


class Succession:
    """Changes the workers of `supervisor`, one change after the other."""

    def __init__(self, supervisor):
        self._supervisor = supervisor
        self._changing = RLock()
        self.reload_waits = False  # one is asked for, and has not begun

    def replace(self, member, reason):
        """Start another in its place, and let it end once that one is ready; if it never is, try again later."""
        supervisor = self._supervisor
        with self._changing:
            pass  # a reload may end it anyway
        if member.leaving or member.retiring or member.ended.is_set() or supervisor._stopping:
            return
        member.retiring = True
        supervisor._say(f"worker {member.pid} {reason}; replacing it")
        supervisor.restarts += 1
        (successor,) = self._try([member.number])
        member.retiring = False
        if successor is not None and successor.is_ready:
            self._accept([successor])
            member.stop(supervisor._graceful_s(), reason)
        elif not supervisor._stopping:
            self._keep(member, reason, successor)

    def _keep(self, member, reason, failed):
        why = "no other can be started" if failed is None else failed.broken or failed.how_it_ended()
        if member.ended.is_set():
            self._supervisor._start_number(member.number)
            return
        self._supervisor._say(f"worker {member.pid} goes on: {why}")
        gevent.spawn_later(AGAIN_S, self.replace, member, reason)

    def replace_all(self):
        """Start as many new workers as there are to be; if all are ready, let the old ones end."""
        supervisor = self._supervisor
        with self._changing:
            self.reload_waits = False
            supervisor._begun.wait()
            if supervisor._stopping or not supervisor._members:
                return
            supervisor._notifier.reloading()
            old = [each for each in supervisor._members if not each.leaving]
            supervisor._generation += 1
            new = self._try(range(supervisor.processes))
            if supervisor._stopping:
                return
            failed = [each for each in new if each is None or not each.is_ready]
            if failed:
                why = [each.broken or each.how_it_ended() for each in failed if each is not None]
                self._take_back(old, [each for each in new if each is not None])
                supervisor._say(f"not reloaded, the old workers go on: {why[0] if why else 'no other can be started'}")
                supervisor._notifier.ready()
                return
            self._accept(new)
            gevent.joinall([gevent.spawn(each.stop, supervisor._graceful_s(), "reloaded") for each in old])
            if not supervisor._stopping:
                supervisor._notifier.ready()
            supervisor._call(supervisor.reloaded, [each.record() for each in new])

    def _try(self, numbers):
        """Start workers on trial, who are not replaced when they fail, and wait until each is ready or has ended.

        Returns them; None for one that could not be started.
        """
        tries = [gevent.spawn(self._try_one, number) for number in numbers]
        return [each.get() for each in tries]

    def _try_one(self, number):
        for left in reversed(range(TRIES)):
            try:
                member = self._supervisor._start_one(number, on_trial=True)
            except OSError as error:
                if not self._supervisor._stopping:  # its listeners are closed
                    self._supervisor._say(f"no worker can be started: {error}")
                return None
            member.settled.wait()
            # One that says nothing about itself may have been killed by somebody.
            if member.is_ready or member.broken or member.leaving or self._supervisor._stopping or not left:
                return member
        return None

    def _accept(self, new):
        for each in new:
            each.on_trial = False
            if each.ended.is_set():  # meanwhile
                gevent.spawn(self._supervisor._start_number, each.number)

    def _take_back(self, old, new):
        for each in new:
            each.leaving = "not needed"
        for each in old:
            each.generation = self._supervisor._generation  # they are replaced again when they end
        for each in [each for each in new if not each.ended.is_set()]:
            gevent.spawn(each.stop, 0, "not needed")
        for each in [each for each in old if each.ended.is_set()]:  # meanwhile
            gevent.spawn(self._supervisor._start_number, each.number)

    def resize(self, by):
        """Have `by` more workers, or fewer, but at least one."""
        supervisor = self._supervisor
        with self._changing:
            supervisor._begun.wait()
            if supervisor._stopping:
                return
            before = supervisor.processes
            supervisor.processes = max(1, before + by)
            for number in range(before, supervisor.processes):
                supervisor._start_number(number)
            gone = [each for each in supervisor._members if each.number >= supervisor.processes and not each.leaving]
            gevent.joinall([gevent.spawn(each.stop, supervisor.graceful_timeout, "one less") for each in gone])
        supervisor._say(f"{supervisor.processes} worker{'s' * (supervisor.processes > 1)}")
