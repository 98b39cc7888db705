"""Run reports, greenlet trees, switch tracing, the monitoring thread and the numbers of greenlets."""

import gc
import io
import sys
import time

import pytest
from greenlet import getcurrent, gettrace, greenlet
from scripts import run_script

import gevent
from gevent import local, util
from gevent._ident import IdentRegistry
from gevent._tracer import GreenletTracer, HubSwitchTracer, MaxSwitchTracer
from gevent.event import Event

# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_names_every_thread_and_every_greenlet_with_where_it_waits_and_was_spawned():
    class Private(local.local):
        pass

    def root():
        private = Private()
        private.secret = 42
        getcurrent().spawn_tree_locals["shared"] = "by all"
        child = gevent.spawn(Event().wait)
        child.name = "Waiting one"
        gevent.sleep(0)
        report = "\n".join(util.format_run_info())
        child.kill()
        return report

    spawned = gevent.spawn(root)
    spawned.name = "Root one"
    report = spawned.get()
    for text in (
        "* Threads",
        "(CURRENT)",
        "* Greenlets",
        "Root one",
        "Waiting one",
        "Spawned at:",
        "Parent:",
        "Greenlet Locals:",
        "{'secret': 42}",
        "Spawn Tree Locals",
        "{'shared': 'by all'}",
    ):
        assert text in report
    assert report.count("by all") == 1, "inherited locals are shown where they come from"


def test_stacks_can_be_left_out_of_a_report():
    report = "\n".join(util.format_run_info(thread_stacks=False, greenlet_stacks=False))
    assert "...stack elided..." in report
    assert "Running:" not in report


def test_print_run_info_prints_to_a_file():
    file = io.StringIO()
    util.print_run_info(limit=1, file=file)
    assert "* Greenlets" in file.getvalue()


def test_a_tree_draws_children_under_those_that_spawned_them():
    # Siblings stand in the order of their numbers.
    greenlets = sorted((gevent.Greenlet(int) for _ in range(6)), key=lambda each: each.minimal_ident)
    by_name = dict(zip(["r", "a", "a1", "a2", "b", "b1"], greenlets, strict=True))

    def named(name, *children):
        tree = util.GreenletTree(by_name[name])
        tree.greenlet.name = name
        for child in children:
            tree.add_child(child)
            tree.add_child(child)
        return tree

    tree = named("r", named("a", named("a1"), named("a2")), named("b", named("b1")))
    drawing = [line.split("<")[0] + line.split('"')[1] for line in str(tree).splitlines()]
    assert drawing == [
        "r",
        " +--- a",
        " |    +--- a1",
        " |    +--- a2",
        " +--- b",
        "      +--- b1",
    ]
    margins = [line.split("Parent")[0] for line in tree.format_lines() if "Parent" in line]
    assert margins == [" :    ", " :          ", " :                ", " :                ", " " * 12, " " * 18]


def test_a_tree_says_how_a_greenlet_ended():
    quiet = gevent.get_hub().NOT_ERROR
    gevent.get_hub().NOT_ERROR = (*quiet, KeyError)
    try:
        results = [gevent.spawn(lambda: None), gevent.spawn(lambda: "x" * 100), gevent.spawn(dict().__getitem__, "k")]
        gevent.joinall(results)
    finally:
        gevent.get_hub().NOT_ERROR = quiet
    endings = [str(util.GreenletTree(each)).partition("; ")[2] for each in results]
    assert endings == ["finished", "finished with value '" + "x" * 29, "finished with exception KeyError('k')"]
    assert str(util.GreenletTree(gevent.Greenlet(int))).endswith("; not running")


def test_the_current_tree_is_that_of_the_calling_thread():
    tree = util.GreenletTree.current_tree()
    assert tree.is_current_tree and tree.root
    assert tree.greenlet is gevent.get_hub().parent
    assert [each.is_current_tree for each in util.GreenletTree.forest()].count(True) == 1


def test_ignored_greenlets_are_left_out():
    class Ignored(gevent.Greenlet):
        greenlet_tree_is_ignored = True

    hidden = Ignored.spawn(gevent.sleep, 10)
    hidden.name = "hidden one"
    gevent.sleep(0)
    assert "hidden one" not in str(util.GreenletTree.current_tree())
    hidden.kill()


def test_a_worker_without_work_is_told_from_one_with_it():
    pool = gevent.get_hub().threadpool
    working = pool.apply(lambda: util.is_idle_threadpool_worker(sys._getframe()))
    assert working is False
    with gevent.Timeout(20):
        while not any(map(util.is_idle_threadpool_worker, sys._current_frames().values())):
            gevent.sleep(0.001)
    assert not util.is_idle_threadpool_worker(sys._getframe())


# --- smaller tools ----------------------------------------------------------------------------------------------------


def test_wrapped_errors_are_returned_and_others_raised():
    wrapped = util.wrap_errors((ValueError,), int)
    assert wrapped("3") == 3
    assert isinstance(wrapped("x"), ValueError)
    assert wrapped.__name__ == "int" and str(wrapped) == str(int)
    with pytest.raises(TypeError):
        wrapped([])


def test_assert_switches_wants_one_switch_at_least():
    with util.assert_switches():
        gevent.sleep(0)
    with pytest.raises(AssertionError, match="To any greenlet in"), util.assert_switches():
        pass


def test_assert_switches_measures_the_longest_time_between_two_switches():
    with util.assert_switches(max_blocking_time=10):
        pass
    with pytest.raises(AssertionError, match=r"max allowed 0\.0001 seconds"), util.assert_switches(0.0001):
        gevent.sleep(0)
        deadline = time.perf_counter() + 0.001
        while time.perf_counter() < deadline:
            pass
        gevent.sleep(0)


def test_assert_switches_is_content_with_many_short_turns():
    with util.assert_switches(max_blocking_time=0.2):
        deadline = time.perf_counter() + 0.3
        while time.perf_counter() < deadline:
            gevent.sleep(0)


def test_assert_switches_does_not_hide_an_exception():
    with pytest.raises(KeyError), util.assert_switches():
        raise KeyError


def test_assert_switches_to_the_hub_only():
    other = greenlet(lambda: getcurrent().parent.switch())
    with pytest.raises(AssertionError, match="To the hub in"), util.assert_switches(0.01, hub_only=True):
        other.switch()
    with util.assert_switches(5, hub_only=True):
        gevent.sleep(0.001)


# --- tracers ----------------------------------------------------------------------------------------------------------


def test_tracers_nest_and_leave_what_was_there_before():
    before = gettrace()
    outer = GreenletTracer()
    inner = HubSwitchTracer(gevent.get_hub(), 1)
    gevent.sleep(0)
    assert outer.greenlet_switch_counter and inner.greenlet_switch_counter
    inner.kill()
    inner.kill()
    assert gettrace() is outer
    outer.kill()
    assert gettrace() is before


def test_a_tracer_below_another_one_stays_in_the_chain_when_it_is_killed():
    outer = GreenletTracer()
    inner = MaxSwitchTracer(gevent.get_hub(), 1)
    outer.kill()
    assert gettrace() is inner
    inner.kill()
    assert gettrace() is outer
    outer.kill()


def test_a_tracer_blames_the_greenlet_that_has_not_switched_since_it_was_last_asked():
    hub = gevent.get_hub()
    tracer = GreenletTracer()
    try:
        assert not tracer.did_block_hub(hub)
        gevent.sleep(0)
        assert not tracer.did_block_hub(hub)
        assert tracer.did_block_hub(hub) == (True, getcurrent())
        tracer.ignore_current_greenlet_blocking()
        assert not tracer.did_block_hub(hub)
        tracer.monitor_current_greenlet_blocking()
        assert tracer.did_block_hub(hub)
        report = "\n".join(tracer.did_block_hub_report(hub, getcurrent(), {}))
        assert "appears to be blocked" in report and "test_util.py" in report
    finally:
        tracer.kill()


# --- the monitoring thread --------------------------------------------------------------------------------------------


def test_the_monitoring_thread_tells_of_a_blocked_hub_and_ends_with_it():
    result = run_script(
        """
        import time, threading, gevent, io
        from gevent import config, events

        config.monitor_thread, config.max_blocking_time = True, 0.02
        told = threading.Event()
        blocked = []

        def on_event(event):
            if isinstance(event, events.EventLoopBlocked):
                blocked.append(event)
                told.set()

        events.subscribers.append(on_event)
        hub = gevent.get_hub()
        hub.exception_stream = io.StringIO()
        monitor = hub.start_periodic_monitoring_thread()
        gevent.sleep(0.001)
        assert told.wait(20), "nobody noticed"
        assert blocked[0].hub is hub and blocked[0].greenlet is gevent.getcurrent()
        assert "appears to be blocked" in hub.exception_stream.getvalue()
        hub.destroy()
        assert not monitor.should_run
        print("ok")
        """
    )
    assert result.stdout == "ok\n"


def test_a_monitoring_function_that_fails_is_reported_and_not_called_again():
    result = run_script(
        """
        import threading, gevent
        from gevent import config

        config.monitor_thread, config.max_blocking_time = True, 0
        hub = gevent.get_hub()
        errors, calls, others = [], [], threading.Event()
        hub.handle_error = lambda context, kind, error, trace: errors.append(kind)

        def failing(hub):
            calls.append(1)
            1 / 0

        def fine(hub):
            if len(calls) and len(errors):
                others.set()

        monitor = hub.start_periodic_monitoring_thread()
        monitor.add_monitoring_function(failing, 0.001)
        monitor.add_monitoring_function(fine, 0.001)
        assert others.wait(20)
        assert errors == [ZeroDivisionError] and calls == [1]
        assert [entry.function for entry in monitor.monitoring_functions()].count(failing) == 0
        monitor.kill()
        print("ok")
        """
    )
    assert result.stdout == "ok\n"


# --- numbers ----------------------------------------------------------------------------------------------------------


class _Thing:
    pass


def test_a_number_is_given_out_again_when_its_holder_is_gone():
    registry = IdentRegistry()
    first, second = _Thing(), _Thing()
    assert [registry.get_ident(each) for each in (first, second, first)] == [0, 1, 0]
    assert len(registry) == 2
    del first
    assert len(registry) == 1
    assert registry.get_ident(_Thing()) == 0


def test_a_registry_neither_hashes_nor_compares():
    class Odd:
        __hash__ = None

        def __eq__(self, other):
            raise AssertionError

    registry = IdentRegistry()
    odd = Odd()
    assert registry.get_ident(odd) == registry.get_ident(odd) == 0


def test_a_registry_goes_without_the_garbage_collector():
    import weakref

    registry = IdentRegistry()
    thing = _Thing()
    registry.get_ident(thing)
    gone = weakref.ref(registry)
    gc.disable()
    try:
        del registry
        assert gone() is None
    finally:
        gc.enable()
    del thing


def test_greenlets_of_one_hub_have_different_numbers():
    greenlets = [gevent.Greenlet(int) for _ in range(4)]
    assert len({each.minimal_ident for each in greenlets}) == 4
    assert len({each.name for each in greenlets}) == 4
