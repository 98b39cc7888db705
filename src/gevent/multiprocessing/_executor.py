"""`concurrent.futures.ProcessPoolExecutor`: it waits through `multiprocessing` and `threading`, so it is green already.

What is left is handing in work: it never waits, so that handing in very much of it would keep everybody else from
running; and starting workers, where a greenlet may be interrupted with a worker that has begun. The module is expensive
to import, and changed when somebody else imports it.
"""

from functools import wraps

from gevent._native.connection import yield_if_turn_is_over
from gevent._native.signal import call_uninterrupted

__all__ = ["changes"]

_MODULE = "concurrent.futures.process"


def _make_submit(original):
    @wraps(original)
    def submit(self, fn, /, *args, **kwargs):
        yield_if_turn_is_over()
        # Interrupted amid its notes, it would give two tasks one number, and the second would end the executor.
        return call_uninterrupted(original, self, fn, *args, **kwargs)

    return submit


def _make_spawn_process(original):
    from gevent.multiprocessing._process import take_given_up

    def begin(self):
        take_given_up()
        try:
            original(self)
        except BaseException:
            # It takes work as the others do, and is told to end only if it is among them.
            process = take_given_up()
            if process is not None:
                self._processes[process.pid] = process
            raise

    @wraps(original)
    def _spawn_process(self):
        call_uninterrupted(begin, self)

    return _spawn_process


def _changes_of(module):
    executor = module.ProcessPoolExecutor
    yield executor, "_spawn_process", _make_spawn_process(executor._spawn_process)
    yield executor, "submit", _make_submit(executor.submit)


def changes(mp):
    """Yield (owner, name, value) for the executor, if it is there and uses `mp`."""
    return mp.changes_of_module(_MODULE, _changes_of) if mp.is_stdlib else ()
