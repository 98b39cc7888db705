"""What runs in a process of a `ProcessPool`: one task after the other."""

import pickle
import signal as _signal
import traceback
from time import monotonic

from gevent._held_signals import INTERRUPT, let_come
from gevent._parent_ends import ParentEnds, end_with_parent
from gevent.processpool._parcel import Sender, receive, wrap

__all__ = ["parent_ends", "run_calls", "run_worker"]

parent_ends = ParentEnds()


#: How long a worker whose parent was killed may take to end by itself, in seconds.
ORPHAN_LIFETIME_S = 1.0


def run_worker(connection, progress, initializer, initargs, parent_pid):
    """Run the tasks that come over `connection` until it ends.

    `progress` is shared memory: the number of the task that was begun last, and when; the number of the one that ended
    last.
    """
    end_with_parent(connection, parent_pid, ORPHAN_LIFETIME_S)
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)  # Ctrl-C is the parent's to act upon
    let_come(INTERRUPT)  # for what it starts
    # A handler of the parent's, inherited by a fork, must not outlive what the parent tells its daemons as it ends.
    _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
    sender = Sender(lambda: None)
    try:
        if initializer is not None:
            initializer(*initargs)
    except BaseException as error:
        connection.send_bytes(_failure("unfit", 0, error))
        return
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            _do(pickle.loads(message), connection, sender, progress)
        except (BrokenPipeError, ConnectionResetError):
            return  # nobody is there for the result
        del message  # it may be large, and the next one be long in coming


def _do(message, connection, sender, progress):
    what, payload = message
    if what == "fetched":
        sender.fetched(payload)
        return
    for number, parcel in payload:
        progress[1] = monotonic()
        progress[0] = number
        answer = _run(number, parcel, sender, connection)
        progress[2] = number
        connection.send_bytes(answer)


def _run(number, parcel, sender, connection):
    try:
        (function, args, kwargs), fetched = receive(parcel)
        if fetched:
            connection.send_bytes(pickle.dumps(("fetched", fetched, None)))
        value = function(*args, **kwargs)
        del function, args, kwargs
        data, _ = sender.pack(value)
    except BaseException as error:
        return _failure("failed", number, error)
    return pickle.dumps(("done", number, data))


def run_calls(function, calls):
    """Return (values, failure, seconds) of ``function(*arguments)`` for each of `calls`.

    The value of one that fails is None; `failure` is the first that did, as `exception_of` takes it.
    """
    began = monotonic()
    values, failure = [], None
    for arguments in calls:
        try:
            values.append(wrap(function(*arguments)))
        except BaseException as error:
            values.append(None)
            failure = failure or _exception(error)
    return values, failure, monotonic() - began


def _failure(what, number, error):
    return pickle.dumps((what, number, _exception(error)))


def _exception(error):
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # some can be pickled and not be read again
    except Exception:  # noqa: BLE001 - whatever it is, its text is all that can be sent
        data = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return data, text
