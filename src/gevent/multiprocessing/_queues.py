"""Queues, where a greenlet may be interrupted in the middle of a message, and where one may compute and never wait.

What an interrupted `get` had begun to take stays with this process, whose next `get` returns it: without the queue's
lock, which nobody has to have for that.

What is put is pickled at once, by the greenlet that puts it, and sent if the pipe takes it; what it does not take is
sent aside, by a native thread. So it arrives although this process computes. The feeder thread, a greenlet here, waits
for the end, and sends what was put while somebody's pickling let others run.
"""

import collections
import errno
import time
from contextlib import nullcontext
from functools import wraps

from gevent._native import connection as native
from gevent._native.hub import fork_generation
from gevent._native.semlock import SemLock, put_into
from gevent._native.signal import call_uninterrupted

__all__ = ["changes"]


class _Buffer(collections.deque):
    """What was put and not yet pickled. For the feeder it is empty while another greenlet is at it."""

    is_taken = False

    def __bool__(self):
        return len(self) > 0 and not self.is_taken

    drop_first = collections.deque.popleft

    def popleft(self):
        if self.is_taken:
            raise IndexError("another greenlet takes care of it")
        return super().popleft()


class _NoLock:
    """For the feeder: the lock is taken for each message, by who sends it."""

    @staticmethod
    def acquire():
        return True

    @staticmethod
    def release():
        pass


def _can_send_aside(lock):
    return isinstance(getattr(lock, "_semlock", None), SemLock)


def _make_reset(original, queues):
    @wraps(original)
    def _reset(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self._buffer = _Buffer()
        self._fed_since = None
        # In a child of a process that used the queue before it was patched, the feeder is a greenlet that waits there.
        lock = queues.threading.Lock()
        if type(self._notempty._lock) is not type(lock):
            self._notempty = queues.threading.Condition(lock)
        # A count of places; a queue of one place has one unit of it, and is still no lock.
        if _can_send_aside(self._sem):
            self._sem._semlock.guards = False

    return _reset


def _have_feeder(queue):
    # Whoever starts it holds `_notempty` meanwhile; nobody waits for that while he has a place in the queue.
    if queue._close is None:
        with queue._notempty:
            if queue._thread is None:
                queue._start_thread()


def _sends_at_once(queue):
    # Once the feeder runs. After a bare os.fork() it is the parent's, and what is put in the child is kept, as ever.
    since = queue._fed_since
    if since is None:
        if queue._thread is None or not queue._thread.is_alive() or not _can_send_aside(queue._wlock):
            return False
        since = queue._fed_since = fork_generation()
    return since == fork_generation() and (not queue._closed or queue._thread.is_alive())


def _make_put(original, queues):
    @wraps(original)
    def put(self, obj, block=True, timeout=None):
        if not isinstance(self._buffer, _Buffer):
            return original(self, obj, block, timeout)
        if self._closed:
            raise ValueError(f"Queue {self!r} is closed")
        # Never interrupted with a place that nothing is put into.
        return call_uninterrupted(_take_place_and_put, self, queues, obj, block, timeout)

    return put


def _take_place_and_put(queue, queues, obj, block, timeout):
    _have_feeder(queue)
    if not queue._sem.acquire(block, timeout):
        raise queues.Full
    done = []
    try:
        _put_into_buffer(queue, obj, done)
    except BaseException:
        # Interrupted while it waited for a lock: nothing was put, and the place is free again. Not so if somebody has
        # raised a moment later.
        if not done:
            queue._sem.release()
        raise
    finally:
        if queue._buffer and _sends_at_once(queue):
            _send_what_was_put(queue, queues, obj)


def _put_into_buffer(queue, obj, done):
    # The tasks of a JoinableQueue are counted under a lock that other processes have, too.
    tasks = getattr(queue, "_unfinished_tasks", None)
    if tasks is None and _sends_at_once(queue):
        put_into(queue._buffer, obj, None, done)  # the feeder need not be told
        return
    with queue._notempty, nullcontext() if tasks is None else queue._cond:
        try:
            put_into(queue._buffer, obj, tasks, done)
        finally:
            queue._notempty.notify()


def _send_what_was_put(queue, queues, mine):
    # What other greenlets have put meanwhile they have put, whatever interrupts this one, of which `mine` is.
    buffer, sentinel = queue._buffer, queues._sentinel
    buffer.is_taken = True
    try:
        while len(buffer) > 0 and (obj := buffer[0]) is not sentinel:
            done = []
            try:
                message = bytes(queues._ForkingPickler.dumps(obj))
                queue._wlock._semlock.send_under(queue._writer.fileno(), message, done)
            except BaseException as error:
                if done:
                    buffer.drop_first()
                    raise  # a signal's handler has, a moment later
                if isinstance(error, Exception):
                    buffer.drop_first()
                    _report(queue, error, obj)
                    continue
                if obj is mine:
                    buffer.drop_first()
                    queue._sem.release()
                    getattr(queue, "task_done", _nothing)()
                raise
            buffer.drop_first()
            if obj is mine:
                mine = sentinel  # the same object again is somebody else's
    finally:
        buffer.is_taken = False
        if len(buffer) > 0:
            with queue._notempty:
                queue._notempty.notify()


def _nothing():
    pass


def _report(queue, error, obj):
    if queue._ignore_epipe and getattr(error, "errno", 0) == errno.EPIPE:
        return
    queue._sem.release()
    queue._on_queue_feeder_error(error, obj)


def _make_feed(original):
    def _feed(buffer, notempty, send_bytes, writelock, reader_close, writer_close, *rest):
        """Send what is in `buffer` until the queue is closed, and then wait until all has been sent."""
        if not _can_send_aside(writelock):
            return original(buffer, notempty, send_bytes, writelock, reader_close, writer_close, *rest)
        writer = send_bytes.__self__

        def send(message):
            writelock._semlock.send_under(writer.fileno(), bytes(message))

        def close_when_sent():
            native.wait_until_sent(writer.fileno())
            writer_close()

        return original(buffer, notempty, send, _NoLock, reader_close, close_when_sent, *rest)

    return staticmethod(_feed)


def _make_get(original, loads):
    def take(self, block, timeout):
        if not native.messages_are_kept() or self._closed:
            return original(self, block, timeout)
        start = time.monotonic()
        message = native.take_kept(self._reader.fileno(), block, timeout)
        if message is not None:
            self._sem.release()
            return loads(message)
        if timeout is not None:
            timeout = max(0.0, timeout - (time.monotonic() - start))
        return original(self, block, timeout)

    @wraps(original)
    def get(self, block=True, timeout=None):
        # Never interrupted with the lock, or with a message whose place is not free.
        return call_uninterrupted(take, self, block, timeout)

    return get


def _make_simple_get(original, loads):
    @wraps(original)
    def get(self):
        message = native.take_kept(self._reader.fileno()) if native.messages_are_kept() else None
        return original(self) if message is None else loads(message)

    return get


def changes(queues):
    """Yield (owner, name, value) for each attribute of `queues`, a module, so that they survive interruptions."""
    loads = queues._ForkingPickler.loads
    yield queues.Queue, "_reset", _make_reset(queues.Queue._reset, queues)
    yield queues.Queue, "put", _make_put(queues.Queue.put, queues)
    yield queues.JoinableQueue, "put", _make_put(queues.JoinableQueue.put, queues)
    yield queues.Queue, "_feed", _make_feed(queues.Queue._feed)
    yield queues.Queue, "get", _make_get(queues.Queue.get, loads)
    yield queues.SimpleQueue, "get", _make_simple_get(queues.SimpleQueue.get, loads)
