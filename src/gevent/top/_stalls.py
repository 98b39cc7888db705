"""How long the main thread's hub did not turn, lately, and where the program was meanwhile.

The hub shows by a timer that it turns; a native thread looks whether it does, and where the program is if it does not.
"""

import sys
from collections import deque
from time import monotonic

from gevent._native.resting_threads import count_out_this_thread
from gevent.monkey.api import get_original
from gevent.top._places import place_of

__all__ = ["LOOK_S", "Stalls"]

#: How often the hub shows that it turns, in seconds. A stall is known to about this.
TICK_S = 0.02
#: How often the thread looks, in seconds. Where a shorter stall was is known by luck.
LOOK_S = 0.1
#: What is not worth a look, in seconds.
SHORT_S = 0.05
#: "Lately", in seconds, and in how many pieces it is forgotten.
MEMORY_S, PIECES = 60.0, 12


class Stalls:
    """The stalls of one hub.

    ``ident``
        the thread's, None until `watch`.
    """

    def __init__(self):
        self.ident = None
        self._timer = None
        self._last_turn = monotonic()
        self._place = None  # of the stall that goes on
        self._worst = deque(maxlen=PIECES)  # [piece, seconds, place], the newest last

    def watch(self, hub):
        """Have `hub`, the calling thread's, show that it turns. Of the one before nothing is known any more."""
        self.ident = hub.thread_ident
        self._timer = hub.loop.timer(TICK_S, TICK_S, ref=False)
        self.forget()
        self._timer.start(self._turn)

    def watches(self, hub):
        """Return whether it is `hub` that shows itself."""
        return self._timer is not None and self._timer.loop is hub.loop

    def forget(self):
        """Begin anew: what was so far is not of interest."""
        self._last_turn = monotonic()
        self._place = None
        self._worst.clear()

    @property
    def stalled_s(self):
        """For how long the hub has not turned now, in seconds; 0.0 before there is one."""
        return max(0.0, monotonic() - self._last_turn - TICK_S) if self._timer is not None else 0.0

    @property
    def stalled_in(self):
        """Where it does not turn now, as text; None if it does."""
        stalled_s = self.stalled_s
        return self._where() if stalled_s >= SHORT_S else None

    def longest(self):
        """Return (seconds, place) of the longest stall of about the last minute, one that goes on included."""
        oldest = monotonic() // (MEMORY_S / PIECES) - PIECES
        found = (self.stalled_s, self._place)
        for piece, seconds, place in tuple(self._worst):
            if piece > oldest and seconds > found[0]:
                found = (seconds, place)
        return found

    def look(self):
        """See where the program is if the hub does not turn. For a native thread, every `LOOK_S`."""
        if self.stalled_s >= SHORT_S:
            self._place = self._where() or self._place

    def look_for_ever(self):
        """Do nothing else; for a native thread."""
        count_out_this_thread()  # it wakes nobody
        sleep = get_original("time", "sleep")
        while True:
            sleep(LOOK_S)
            self.look()

    def _where(self):
        frame = sys._current_frames().get(self.ident)
        return place_of(frame) if frame is not None else None

    def _turn(self):
        now = monotonic()
        stall_s, place = now - self._last_turn - TICK_S, self._place
        self._last_turn, self._place = now, None
        piece = now // (MEMORY_S / PIECES)
        if not self._worst or self._worst[-1][0] != piece:
            self._worst.append((piece, stall_s, place))
        elif stall_s > self._worst[-1][1]:
            self._worst[-1] = (piece, stall_s, place)
