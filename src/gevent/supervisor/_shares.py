"""How many connections each worker has, in memory that all of them see: who has many lets others accept first.

All wait for the same listeners, so what comes at once would go to whoever has a processor just then, and connections
that are kept stay there. A worker that has more than another by `SLACK` and an eighth gives that one a moment; if it
does not come (it computes, or hangs), the first accepts all the same, and twice as many before it waits again.
"""

__all__ = ["Share", "Shares"]

#: Workers of higher numbers accept as if they were alone.
WORKERS_MAX = 256
SLACK = 2
#: For how long, in seconds, and how many times in a row the next one is left to others.
PAUSE_S, PAUSES_MAX = 0.001, 10
#: So many are accepted at the most before others are waited for again, who did not come.
IMPATIENT_MAX = 64


class Shares:
    """Those of all workers of one supervisor. `context` is of `multiprocessing`."""

    def __init__(self, context):
        # How many numbers there are; then for each worker one more than its connections, 0 if it does not accept.
        self._memory = context.RawArray("i", WORKERS_MAX + 1)

    def of(self, number):
        """Return the `Share` of the worker `number`, None if there is no place for it."""
        return Share(self._memory, number + 1) if number < WORKERS_MAX else None

    def admit(self, number):
        """There is going to be a worker `number`."""
        if number < WORKERS_MAX:
            self._memory[0] = max(self._memory[0], number + 1)

    def forget(self, number):
        """The worker `number` has ended."""
        if number < WORKERS_MAX:
            self._memory[number + 1] = 0


class Share:
    """That of one worker, in its process; `connections` returns how many it has."""

    def __init__(self, memory, place):
        self._memory = memory
        self._place = place
        self._begin_anew(None)
        self.connections = None

    def _begin_anew(self, others):
        self._others = others  # as they were last
        self._pauses = 0
        self._left, self._impatience = 0, 1  # to be accepted without waiting, and how many it is next time

    def note(self):
        """Tell the others how many there are."""
        self._memory[self._place] = self.connections() + 1

    def give_up(self):
        """This worker accepts no more."""
        self._memory[self._place] = 0

    def pause_s(self):
        """Return how long to leave the next connection to others, in seconds; 0 if it is this worker's turn."""
        mine = self.connections()
        if mine <= SLACK:
            return 0
        others = self._memory[1 : self._memory[0] + 1]
        others[self._place - 1] = 0
        least = min((slot for slot in others if slot), default=mine + 1) - 1
        if mine - least <= SLACK + least // 8:
            return 0
        if others != self._others:
            self._begin_anew(others)  # they come
        if self._left:
            self._left -= 1
            return 0
        if self._pauses < PAUSES_MAX:
            self._pauses += 1
            return PAUSE_S
        self._pauses = 0
        self._left = self._impatience - 1
        self._impatience = min(2 * self._impatience, IMPATIENT_MAX)
        return 0
