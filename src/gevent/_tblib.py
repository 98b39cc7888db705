"""Exceptions and tracebacks that can be pickled: what gevent has of the package ``tblib``, for who looks for it here.

A traceback that was sent to another process comes back as one of frames that never ran: files, names and line numbers,
without variables. ``install()`` makes pickle do so for exceptions, ``dump_traceback`` and ``load_traceback`` do it for
one traceback.
"""

import copyreg
import sys
from types import FunctionType, TracebackType

__version__ = "2.0.0"  # of the tblib whose names these are
__all__ = ["Code", "Frame", "Traceback", "TracebackParseError"]

_LINE = r'\s*File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<name>.+))?$'
_GLOBALS_KEPT = ("__file__", "__name__")


class TracebackParseError(Exception):
    """A text is no traceback."""


class Code:
    """What a traceback shows of a code object."""

    co_code = None
    co_argcount = co_kwonlyargcount = co_nlocals = co_stacksize = 0
    co_flags = 64
    co_firstlineno = 0
    co_varnames = ()

    def __init__(self, code):
        self.co_filename, self.co_name = code.co_filename, code.co_name


class Frame:
    """What a traceback shows of a frame, without its variables."""

    def __init__(self, frame):
        self.f_locals = {}
        self.f_globals = {name: frame.f_globals[name] for name in _GLOBALS_KEPT if name in frame.f_globals}
        self.f_code = Code(frame.f_code)
        self.f_lineno = frame.f_lineno

    def clear(self):
        """For the `traceback` module, which may ask for it: there is nothing to clear."""


class _Facts:
    """Takes its attributes from keywords: a frame or a code object that was told of."""

    def __init__(self, **facts):
        self.__dict__.update(facts)


def _frame_that_shows(frame):
    """A real frame, over and done with, that looks like `frame`."""
    name = frame.f_code.co_name
    stub = _stub.__code__.replace(co_filename=frame.f_code.co_filename, co_name=name, co_firstlineno=1)
    if hasattr(stub, "co_qualname"):
        stub = stub.replace(co_qualname=name)
    return FunctionType(stub, {**frame.f_globals, "_frame_here": sys._getframe})()


def _stub():
    return _frame_here(0)  # noqa: F821 - among the globals it is run with


class Traceback:
    """A chain of traceback entries that holds neither frames nor variables.

    tb
        a traceback, or what looks like one.
    """

    tb_next = None

    def __init__(self, tb):
        entry = self
        while True:
            entry.tb_frame = Frame(tb.tb_frame)
            entry.tb_lineno = int(tb.tb_lineno)
            tb = tb.tb_next
            if tb is None:
                return
            entry.tb_next = entry = object.__new__(type(self))

    def _entries(self):
        entry = self
        while entry is not None:
            yield entry
            entry = entry.tb_next

    def as_traceback(self):
        """Return a real traceback, to be raised with or printed."""
        result = None
        for entry in reversed(list(self._entries())):
            # At no instruction: otherwise those of the stub would be looked up for its line.
            result = TracebackType(result, _frame_that_shows(entry.tb_frame), -1, entry.tb_lineno)
        return result

    to_traceback = as_traceback

    def as_dict(self):
        """Return dictionaries of plain values, one in the other under ``tb_next``."""
        result = None
        for entry in reversed(list(self._entries())):
            frame = entry.tb_frame
            code = {"co_filename": frame.f_code.co_filename, "co_name": frame.f_code.co_name}
            shown = {
                "f_globals": frame.f_globals,
                "f_locals": frame.f_locals,
                "f_code": code,
                "f_lineno": frame.f_lineno,
            }
            result = {"tb_frame": shown, "tb_lineno": entry.tb_lineno, "tb_next": result}
        return result

    to_dict = as_dict

    @classmethod
    def from_dict(cls, dct):
        """Return the traceback that `as_dict` told of."""

        def entry(told):
            frame = dict(told["tb_frame"])
            frame.setdefault("f_lineno", told["tb_lineno"])
            frame["f_code"] = _Facts(**frame["f_code"])
            return _Facts(tb_frame=_Facts(**frame), tb_lineno=told["tb_lineno"], tb_next=None)

        first = last = entry(dct)
        while (dct := dct["tb_next"]) is not None:
            last.tb_next = last = entry(dct)
        return cls(first)

    @classmethod
    def from_string(cls, string, strict=True):
        """Return the traceback that `string`, as Python prints it, shows; anything around it must go if `strict`.

        TracebackParseError if it shows none.
        """
        import re

        first = last = None
        begun = not strict
        for line in string.splitlines():
            if strict and line.startswith("Traceback (most recent call last)"):
                begun = True
                continue
            found = re.match(_LINE, line) if begun else None
            if found is None:
                if strict and begun and line and not line[0].isspace():
                    break
                continue
            name, number = found["name"] or "", int(found["line"])
            code = _Facts(co_filename=found["file"], co_name=name)
            shown = {"__file__": found["file"], "__name__": "?"}
            frame = _Facts(f_globals=shown, f_code=code, f_lineno=number)
            entry = _Facts(tb_frame=frame, tb_lineno=number, tb_next=None)
            if first is None:
                first = last = entry
            else:
                last.tb_next = last = entry
        if first is None:
            raise TracebackParseError(f"Could not find any frames in {string!r}.")
        return cls(first)


# -- pickle --


def unpickle_traceback(tb_frame, tb_lineno, tb_next):
    """What a pickled traceback is made by."""
    entry = object.__new__(Traceback)
    entry.tb_frame, entry.tb_lineno, entry.tb_next = tb_frame, tb_lineno, tb_next
    return entry.as_traceback()


def pickle_traceback(tb):
    """For `copyreg`: how to make a traceback like `tb`."""
    rest = None if tb.tb_next is None else Traceback(tb.tb_next)
    return unpickle_traceback, (Frame(tb.tb_frame), tb.tb_lineno, rest)


def unpickle_exception(func, args, cause, tb):
    """What a pickled exception is made by."""
    error = func(*args)
    error.__cause__, error.__traceback__ = cause, tb
    return error


def pickle_exception(obj):
    """For `copyreg`: how to make an exception like `obj`, with its traceback and cause."""
    how = obj.__reduce_ex__(3)
    if isinstance(how, str):
        raise TypeError("an exception whose __reduce__ returns a string cannot be pickled with its traceback")
    return (unpickle_exception, (how[0], how[1], obj.__cause__, obj.__traceback__), *how[2:])


def _all_classes_from(cls):
    yield cls
    for derived in cls.__subclasses__():
        yield from _all_classes_from(derived)


def install(*exc_classes_or_instances):
    """Have tracebacks pickled, and exceptions with them: of these classes, or of those that exist now if none is given.

    For an instance: of its class and those of its causes. As a decorator of a class, returns it.
    """
    copyreg.pickle(TracebackType, pickle_traceback)
    given = exc_classes_or_instances
    for each in given or _all_classes_from(BaseException):
        if isinstance(each, BaseException):
            while each is not None:
                copyreg.pickle(type(each), pickle_exception)
                each = each.__cause__
        elif isinstance(each, type) and issubclass(each, BaseException):
            copyreg.pickle(each, pickle_exception)
        else:
            raise TypeError(f"an exception or a class of exceptions is needed, not {type(each)}")
    return given[0] if len(given) == 1 and isinstance(given[0], type) else None


def dump_traceback(tb):
    """Return bytes from which `load_traceback` makes a traceback like `tb`; which may be None. From gevent."""
    import pickle

    return pickle.dumps(None if tb is None else Traceback(tb).as_dict())


def load_traceback(s):
    """Return the traceback that was given to `dump_traceback`. From gevent."""
    import pickle

    told = pickle.loads(s)  # noqa: S301 - from this program
    return None if told is None else Traceback.from_dict(told).as_traceback()
