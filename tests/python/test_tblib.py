"""gevent._tblib: exceptions and tracebacks that go through pickle."""

import copyreg
import pickle
import traceback

import pytest

from gevent import _tblib


class Failure(Exception):
    pass


def fail(cause=None):
    raise Failure("it fails") from cause


def failed():
    try:
        fail(KeyError("cause"))
    except Failure as error:
        return error


def told(tb):
    return [(entry.filename, entry.name, entry.lineno) for entry in traceback.extract_tb(tb)]


def test_a_traceback_comes_back_as_it_was_shown():
    before = failed().__traceback__
    after = _tblib.load_traceback(_tblib.dump_traceback(before))
    assert told(after) == told(before)
    assert _tblib.load_traceback(_tblib.dump_traceback(None)) is None


def test_a_traceback_that_came_back_can_be_raised_with():
    after = _tblib.load_traceback(_tblib.dump_traceback(failed().__traceback__))
    with pytest.raises(Failure) as raised:
        raise Failure().with_traceback(after)
    assert told(raised.value.__traceback__)[-1][1] == "fail"


def test_installed_classes_are_pickled_with_traceback_and_cause():
    known = dict(copyreg.dispatch_table)
    try:
        assert _tblib.install(Failure) is Failure
        before = failed()
        after = pickle.loads(pickle.dumps(before))
    finally:
        copyreg.dispatch_table.clear()
        copyreg.dispatch_table.update(known)
    assert (type(after), after.args, repr(after.__cause__)) == (Failure, before.args, "KeyError('cause')")
    assert told(after.__traceback__) == told(before.__traceback__)
    with pytest.raises(TypeError):
        _tblib.install(3)


def test_a_printed_traceback_can_be_read():
    before = failed()
    printed = "".join(traceback.format_exception(None, before, before.__traceback__, chain=False))
    assert told(_tblib.Traceback.from_string("before\n" + printed + "after").as_traceback()) == told(
        before.__traceback__
    )
    with pytest.raises(_tblib.TracebackParseError):
        _tblib.Traceback.from_string("nothing of the kind")


def test_dictionaries_hold_plain_values():
    dictionary = _tblib.Traceback(failed().__traceback__).as_dict()
    again = _tblib.Traceback.from_dict(dictionary)
    assert again.to_dict() == dictionary
    assert dictionary["tb_frame"]["f_code"]["co_name"] == "failed"
    assert dictionary["tb_next"]["tb_frame"]["f_locals"] == {}
