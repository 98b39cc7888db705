"""The lock and the conditions of queues, for programs that look inside: made when somebody first asks for one.

`gevent.queue` needs none of them. What they mean is what `queue` in the standard library says of its own.
"""

from threading import Condition

from gevent._threading_classes import wait_on_condition
from gevent.thread import allocate_lock as make_mutex

__all__ = ["QueueCondition", "make_mutex"]


class QueueCondition(Condition):
    """A condition of a queue's mutex, on which a program may wait, beside the queue's own lines.

    tell
        called whenever it is notified, so that those in the queue's lines look again, too.
    """

    wait = wait_on_condition

    def __init__(self, mutex, tell):
        super().__init__(mutex)
        self._tell = tell

    def notify(self, n=1):
        """Wake `n` of those who wait on the condition, and those in the queue's line as far as there is something."""
        super().notify(n)
        self._tell()
