"""Locals: whose attributes are whose, and when they go."""

import copy
import gc
import threading
import weakref

import greenlet
import pytest
from leaks import blocks_left_by
from scripts import run_script

import gevent
from gevent.local import all_local_dicts_for_greenlet, local


class Thing:
    pass


def elsewhere(function, *arguments):
    """Call `function` in another greenlet and return what it returns."""
    return gevent.spawn(function, *arguments).get(timeout=10)


def test_attributes_are_each_greenlets_own():
    data = local()
    data.x = 1

    def other():
        assert not hasattr(data, "x")
        data.x = 2
        gevent.sleep(0)
        return data.x, data.__dict__

    greenlets = [gevent.spawn(other) for _ in range(3)]
    gevent.joinall(greenlets, timeout=10)
    assert [each.value for each in greenlets] == [(2, {"x": 2})] * 3
    assert (data.x, data.__dict__) == (1, {"x": 1})
    del data.x
    with pytest.raises(AttributeError):
        data.x  # noqa: B018
    with pytest.raises(AttributeError):
        del data.x


def test_attributes_are_each_threads_and_each_raw_greenlets_own():
    data, seen = local(), []
    data.x = 1

    def other(value):
        seen.append(hasattr(data, "x"))
        data.x = value
        seen.append(data.x)

    thread = threading.Thread(target=other, args=(2,))
    thread.start()
    thread.join()
    greenlet.greenlet(other).switch(3)
    assert seen == [False, 2, False, 3]
    assert data.x == 1


def test_the_dictionary_cannot_be_replaced():
    data = local()
    with pytest.raises(AttributeError):
        data.__dict__ = {}
    with pytest.raises(AttributeError):
        del data.__dict__
    data.__dict__["y"] = 5
    assert data.y == 5
    assert vars(data) == {"y": 5}
    assert "y" in dir(data)


def test_names_that_are_no_plain_strings_are_taken_as_everywhere():
    class Name(str):
        __slots__ = ()

    class Anything:
        def __eq__(self, other):
            return True

    mine = local()
    mine.__setattr__(Name("value"), 1)
    assert (mine.value, mine.__getattribute__(Name("value"))) == (1, 1)
    for name in (Name("__dict__"), Anything()):  # as of _thread._local: who is equal to it is it
        with pytest.raises(AttributeError, match="read-only"):
            mine.__setattr__(name, {})
    for name in (5, b"__dict__", None):
        with pytest.raises(TypeError, match="attribute name must be string"):
            mine.__setattr__(name, 1)
        with pytest.raises(TypeError):
            mine.__getattribute__(name)
        with pytest.raises(TypeError):
            mine.__delattr__(name)


def test_arguments_need_an_init_which_runs_once_in_each_greenlet():
    class Counted(local):
        def __init__(self, start, step=1):
            self.value = start
            self.step = step

    with pytest.raises(TypeError, match="Initialization arguments are not supported"):
        local(1)
    data = Counted(10, step=5)
    data.value += data.step
    assert elsewhere(lambda: (data.value, data.step)) == (10, 5)
    assert data.value == 15


def test_an_init_that_waits_or_fails_does_no_harm_to_others():
    class Slow(local):
        def __init__(self):
            gevent.sleep(0)
            self.own = gevent.getcurrent()

    data = Slow()
    greenlets = [gevent.spawn(lambda: data.own) for _ in range(3)]
    gevent.joinall(greenlets, timeout=10)
    assert [each.value for each in greenlets] == greenlets

    class Failing(local):
        def __init__(self):
            if gevent.getcurrent() is not home:
                raise KeyError

    home = gevent.getcurrent()
    data = Failing()

    def other():
        with pytest.raises(KeyError):
            data.x  # noqa: B018
        return "survived"

    assert elsewhere(other) == "survived"


def test_class_attributes_slots_and_descriptors_work_as_everywhere():
    class Rich(local):
        __slots__ = ("shared",)
        default = "class"

        @property
        def computed(self):
            return self.own * 2

        @staticmethod
        def static():
            return "static"

        def __getattr__(self, name):
            if name == "invented":
                return name
            raise AttributeError(name)

    data = Rich()
    data.shared = data.own = 4
    assert (data.computed, data.static(), data.default, data.invented) == (8, "static", "class", "invented")
    data.default = "mine"
    assert elsewhere(lambda: (data.shared, data.default)) == (4, "class")
    with pytest.raises(AttributeError):
        data.computed = 1
    assert data.default == "mine"
    del data.default
    assert data.default == "class"


def test_a_subclass_may_handle_attributes_itself():
    class Logged(local):
        def __setattr__(self, name, value):
            log.append(name)
            super().__setattr__(name, value)

        def __getattribute__(self, name):
            return super().__getattribute__(name)

    log = []
    data = Logged()
    data.x = 1
    assert (data.x, log) == (1, ["x"])


def test_a_copy_has_the_attributes_of_the_greenlet_that_made_it():
    class Named(local):
        def __init__(self, name):
            self.name = name

    data = Named("name")
    data.list = []
    twin = copy.copy(data)
    assert twin.list is data.list
    assert twin.__dict__ is not data.__dict__
    assert elsewhere(lambda: twin.__dict__) == {"name": "name"}


def test_a_greenlets_attributes_go_when_it_ends_although_it_is_kept():
    data, references = local(), []

    def use():
        data.thing = Thing()
        references.append(weakref.ref(data.thing))

    greenlets = [gevent.spawn(use) for _ in range(3)]
    gevent.joinall(greenlets, timeout=10)
    gevent.sleep(0)
    assert [reference() for reference in references] == [None] * 3


def test_a_raw_greenlets_attributes_go_when_it_dies():
    data = local()

    def use():
        data.thing = Thing()
        greenlet.getcurrent().parent.switch(weakref.ref(data.thing))

    raw = greenlet.greenlet(use)
    reference = raw.switch()
    assert reference() is not None
    del raw
    gc.collect()
    assert reference() is None
    assert not hasattr(data, "thing")


def test_attributes_go_with_the_local_and_nothing_stays_linked():
    def use():
        references = []
        for _ in range(100):
            data = local()
            data.thing = Thing()
            references.append(weakref.ref(data.thing))
        del data
        return [reference() for reference in references], gevent.getcurrent().has_links()

    assert elsewhere(use) == ([None] * 100, False)


def test_a_dictionary_somebody_holds_survives_the_local():
    data = local()
    data.x = 1
    values = data.__dict__
    del data
    assert values == {"x": 1}


def test_a_local_in_a_cycle_is_collected():
    class Marked(local):
        pass

    data = Marked()
    data.itself = data
    data.thing = Thing()
    reference = weakref.ref(data.thing)
    del data
    gc.collect()
    assert reference() is None


def test_what_a_greenlet_has_in_all_locals_can_be_listed():
    first, second = local(), local()

    def use():
        first.x, second.y = 1, 2
        found = dict(all_local_dicts_for_greenlet(gevent.getcurrent()))
        return found[local, id(first)], found[local, id(second)]

    assert elsewhere(use) == ({"x": 1}, {"y": 2})


def test_it_goes_on_in_a_forked_child():
    run_script("""
        import os
        import gevent
        from gevent.local import local
        data = local()
        data.x = 1
        def other():
            data.x = 2
            gevent.sleep(0.01)
            return data.x
        greenlet = gevent.spawn(other)
        gevent.sleep(0)
        pid = os.fork()
        assert (data.x, greenlet.get(timeout=10)) == (1, 2)
        if pid:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        else:
            os._exit(0)
    """)


def test_many_greenlets_leave_nothing_behind():
    data = local()

    def use():
        data.x = 1

    def crowd():
        for _ in range(10):
            gevent.joinall([gevent.spawn(use) for _ in range(100)], timeout=10)
        gevent.sleep(0)

    assert blocks_left_by(crowd) < 50


def test_a_local_is_pickled_only_by_a_class_that_says_how():
    class Plain(local):
        pass

    class Own(local):
        def __getstate__(self):
            return {"x": self.x}

    for cls, text in ((local, "'local'"), (Plain, "'Plain'")):
        with pytest.raises(TypeError, match=f"cannot pickle {text} object"):
            cls().__reduce_ex__(2)
    data = Own()
    data.x = 1
    assert data.__reduce_ex__(2)[2] == {"x": 1}
