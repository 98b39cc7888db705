"""Groups, pools and the iterators that map over them."""

import pytest

import gevent
from gevent.event import Event
from gevent.pool import Group, Pool, PoolFull
from gevent.queue import Queue


@pytest.fixture(autouse=True)
def _quiet_failures():
    hub = gevent.get_hub()
    known, hub.NOT_ERROR = hub.NOT_ERROR, (*hub.NOT_ERROR, ZeroDivisionError, KeyError)
    yield
    hub.NOT_ERROR = known


def _fail():
    raise KeyError("failed")


# --- membership -------------------------------------------------------------------------------------------------------


def test_a_greenlet_leaves_its_group_when_it_ends():
    group = Group()
    gate = Event()
    waiting = group.spawn(gate.wait)
    assert waiting in group and len(group) == 1
    gate.set()
    assert group.join() is True
    assert waiting not in group and not group


def test_a_group_can_be_made_of_greenlets_that_run_already():
    gate = Event()
    group = Group([gevent.spawn(gate.wait) for _ in range(3)])
    assert len(group) == 3
    gate.set()
    assert group.join()


def test_a_group_takes_one_iterable_at_most():
    with pytest.raises(AssertionError):
        Group([], [])


def test_a_greenlet_that_has_ended_leaves_at_the_next_turn():
    group = Group()
    ended = gevent.spawn(int)
    ended.join()
    group.add(ended)
    assert group.join()


def test_discarding_lets_a_greenlet_live_on():
    group, gate = Group(), Event()
    waiting = group.spawn(gate.wait)
    group.discard(waiting)
    assert not group and not waiting.ready()
    gate.set()
    waiting.join()


def test_setting_the_members_takes_in_the_new_ones_and_lets_the_others_go():
    group = Pool(2)
    old, new = (gevent.spawn(gevent.sleep, 10) for _ in range(2))
    group.add(old)
    group.greenlets = [new]
    assert list(group) == [new]
    assert not old.dead
    assert group.free_count() == 1
    group.dying = {old, new}
    assert group.dying == {new}
    group.greenlets = set()
    assert group.join(timeout=0)
    assert group.free_count() == 2
    gevent.killall([old, new])


def test_a_plain_greenlet_stays_until_it_is_discarded_or_killed():
    from greenlet import greenlet

    group = Group()
    plain = greenlet(int)
    group.add(plain)
    assert group.join(timeout=0) is False
    group.discard(plain)
    assert group.join()
    group.add(gevent.spawn_raw(gevent.sleep, 10))
    group.kill()
    assert not group


def test_greenlet_class_of_the_class_the_instance_or_the_constructor_is_what_is_spawned():
    class Special(gevent.Greenlet):
        pass

    class SpecialGroup(Group):
        greenlet_class = Special

    group = Group()
    group.greenlet_class = Special
    for each in (SpecialGroup(), group, Pool(1, Special)):
        assert type(each.spawn(int)) is Special
        each.join()


# --- waiting and killing ----------------------------------------------------------------------------------------------


def test_join_with_raise_error_raises_what_a_member_raised():
    group = Group()
    group.spawn(_fail)
    with pytest.raises(KeyError):
        group.join(raise_error=True)
    group.spawn(_fail)
    assert group.join()


def test_join_returns_whether_the_group_got_empty_in_time():
    group, gate = Group(), Event()
    group.spawn(gate.wait)
    assert group.join(timeout=0.001) is False
    gate.set()
    assert group.join(timeout=5) is True


def test_kill_also_gets_those_that_dying_members_spawn():
    group = Group()

    def hydra(heads):
        try:
            gevent.sleep(100)
        finally:
            if heads:
                group.spawn(hydra, heads - 1)

    group.spawn(hydra, 3)
    gevent.sleep(0)
    group.kill()
    assert not group


def test_kill_sends_a_member_that_survives_no_second_exception():
    group, shots, gate = Group(), [], Event()

    def survivor():
        while not gate.is_set():
            try:
                gate.wait()
            except gevent.GreenletExit:
                shots.append(1)

    group.spawn(survivor)
    gevent.sleep(0)
    group.kill(timeout=0.001)
    group.kill(timeout=0.001)
    assert shots == [1] and len(group.dying) == 1
    gate.set()
    assert group.join() and not group.dying


def test_kill_leaves_a_timeout_of_somebody_else_alone():
    group, gate = Group(), Event()

    def survivor():
        while not gate.is_set():
            try:
                gate.wait()
            except gevent.GreenletExit:
                pass

    group.spawn(survivor)
    gevent.sleep(0)
    with pytest.raises(gevent.Timeout) as raised, gevent.Timeout(0.001) as mine:
        group.kill()
    assert raised.value is mine
    gate.set()
    group.join()


def test_killing_before_the_start_does_not_leave_members_behind():
    group = Group()
    for _ in range(3):
        group.spawn(gevent.sleep, 100)
    group.kill()
    assert not group


# --- places -----------------------------------------------------------------------------------------------------------


def test_a_full_pool_makes_spawn_wait_for_a_place():
    pool, gate = Pool(1), Event()
    first = pool.spawn(gate.wait)
    gevent.spawn(gate.set)
    pool.spawn(int)
    assert first.ready()
    pool.join()


def test_a_full_pool_refuses_who_does_not_want_to_wait():
    pool, gate = Pool(1), Event()
    pool.spawn(gate.wait)
    assert pool.full() and pool.free_count() == 0
    late = gevent.Greenlet(int)
    with pytest.raises(PoolFull):
        pool.start(late, blocking=False)
    with pytest.raises(PoolFull):
        pool.add(late, timeout=0.001)
    assert late not in pool and not late.started
    gate.set()
    pool.join()
    assert pool.free_count() == 1


def test_a_greenlet_takes_one_place_however_often_it_is_added():
    pool, gate = Pool(2), Event()
    waiting = pool.spawn(gate.wait)
    pool.add(waiting)
    assert pool.free_count() == 1
    gate.set()
    pool.join()
    assert pool.free_count() == 2


def test_discarding_who_is_no_member_frees_no_place():
    pool = Pool(1)
    pool.discard(gevent.spawn(int))
    assert pool.free_count() == 1


def test_wait_available_returns_the_number_of_free_places():
    pool, gate = Pool(1), Event()
    assert pool.wait_available() == 1
    pool.spawn(gate.wait)
    assert pool.wait_available(timeout=0.001) == 0
    gate.set()
    assert pool.wait_available() == 1
    assert Pool().wait_available() == 1 and Pool().free_count() == 1
    assert Pool(0).full()


def test_a_pool_cannot_have_a_negative_size():
    with pytest.raises(ValueError):
        Pool(-1)


# --- calls ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[Group, lambda: Pool(1), lambda: Pool(3), Pool], ids=["Group", "Pool(1)", "Pool(3)", "Pool()"])
def group(request):
    return request.param()


def test_apply_returns_or_raises_what_the_function_does(group):
    assert group.apply(lambda *a, **k: (a, k), (1,), {"x": 2}) == ((1,), {"x": 2})
    with pytest.raises(KeyError):
        group.apply(_fail)


def test_apply_within_the_group_does_not_wait_for_a_place(group):
    assert group.apply(group.apply, (abs, (-5,))) == 5


def test_apply_async_never_waits_and_calls_back_on_success_only(group):
    results = []
    tasks = [group.apply_async(abs, (-n,), callback=results.append) for n in range(5)]
    assert [task.get() for task in tasks] == [0, 1, 2, 3, 4]
    group.apply_async(_fail, callback=results.append)
    group.join()
    gevent.sleep(0)
    assert sorted(results) == [0, 1, 2, 3, 4]


def test_map_keeps_the_order_of_the_items(group):
    assert group.map(lambda n: gevent.sleep(0.001 * (n % 3)) or n * n, range(20)) == [n * n for n in range(20)]
    assert group.map(abs, []) == []


def test_map_starts_everything_and_raises_the_first_failure(group):
    started = []
    with pytest.raises(ZeroDivisionError):
        group.map(lambda n: started.append(n) or 1 / n, [1, 0, 2])
    group.join()
    assert started == [1, 0, 2]


def test_map_async_and_map_cb_hand_the_list_to_the_callback(group):
    results = []
    assert group.map_async(abs, [-1, -2], results.append).get() == [1, 2]
    assert group.map_cb(abs, [-3], results.append) == [3]
    assert results == [[1, 2], [3]]


# --- iterators --------------------------------------------------------------------------------------------------------


def test_imap_keeps_the_order_and_imap_unordered_does_not():
    group = Group()
    gates = {n: Event() for n in range(3)}
    gates[2].set()

    def when_told(n):
        gates[n].wait()
        if n:
            gates[n - 1].set()
        return n

    assert list(group.imap_unordered(when_told, range(3))) == [2, 1, 0]
    for gate in gates.values():
        gate.clear()
    gates[2].set()
    assert list(group.imap(when_told, range(3))) == [0, 1, 2]


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_imap_ends_with_the_shortest_iterable_and_stays_at_its_end(group, method):
    iterator = getattr(group, method)(lambda a, b: a + b, [1, 2, 3], [10, 20])
    assert sorted(iterator) == [11, 22]
    assert list(iterator) == []
    assert list(getattr(group, method)(abs)) == []


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_imap_goes_on_after_a_task_that_failed(group, method):
    iterator = getattr(group, method)(lambda n: 1 / n, [1, 0, 2])
    outcomes = []
    while True:
        try:
            outcomes.append(next(iterator))
        except ZeroDivisionError:
            outcomes.append("failed")
        except StopIteration:
            break
    assert sorted(outcomes, key=str) == [0.5, 1.0, "failed"]


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_imap_raises_once_what_the_iterable_raises(group, method):
    def failing():
        yield 1
        raise KeyError("iterable")

    iterator = getattr(group, method)(abs, failing())
    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(next(iterator, "end"))
        except KeyError:
            outcomes.append("failed")
    assert sorted(outcomes, key=str) == [1, "end", "failed"]
    assert next(iterator, "end") == "end"


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_maxsize_bounds_how_far_the_tasks_run_ahead(method):
    started = []
    iterator = getattr(Group(), method)(lambda n: started.append(n) or n, range(100), maxsize=2)
    gevent.sleep(0.001)
    assert len(started) == 2
    assert next(iterator) == 0
    gevent.sleep(0.001)
    assert len(started) == 3
    assert list(iterator) == list(range(1, 100))


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_a_killed_imap_delivers_what_it_started_and_ends(method):
    gate = Event()
    iterator = getattr(Group(), method)(lambda n: gate.wait() and n, iter([1, 2, 3]), maxsize=2)
    gevent.sleep(0)
    iterator.kill()
    gate.set()
    assert sorted(iterator) == [1, 2]


def test_a_result_whose_wait_timed_out_is_not_lost():
    gate = Event()
    iterator = Group().imap(lambda n: gate.wait() and n, [1, 2])
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.001):
        next(iterator)
    gate.set()
    assert list(iterator) == [1, 2]


def test_imap_takes_its_items_from_a_queue_until_stop_iteration():
    queue = Queue()
    iterator = Pool(2).imap(abs, queue)
    queue.put(-1)
    assert next(iterator) == 1
    queue.put(StopIteration)
    assert list(iterator) == []


def test_tracers_may_put_their_own_classes_into_the_modules(monkeypatch):
    """As ddtrace does, with multiple inheritance and an overridden run()."""
    from gevent import _imap, pool

    ran = []

    class Traced:
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

        def run(self):
            ran.append(type(self).__name__)
            super().run()

    class TracedGreenlet(Traced, gevent.Greenlet):
        pass

    class TracedIMapUnordered(Traced, pool.IMapUnordered):
        pass

    class TracedIMap(TracedIMapUnordered, pool.IMap):
        pass

    monkeypatch.setattr(pool, "Greenlet", TracedGreenlet)
    monkeypatch.setattr(pool.Group, "greenlet_class", TracedGreenlet)
    for module in (pool, _imap):
        monkeypatch.setattr(module, "IMap", TracedIMap)
        monkeypatch.setattr(module, "IMapUnordered", TracedIMapUnordered)
    assert list(Group().imap(abs, [-2, -1])) == [2, 1]
    assert sorted(ran) == ["TracedGreenlet", "TracedGreenlet", "TracedIMap"]
    assert sorted(Group().imap_unordered(abs, [-2, -1])) == [1, 2]
    assert Group().map_async(abs, [-2]).get() == [2]


def test_a_thread_pool_maps_with_the_same_methods():
    pool = gevent.get_hub().threadpool
    assert list(pool.imap(abs, [-1, -2])) == [1, 2]
    assert pool.map(abs, [-3]) == [3]
    assert pool.apply(abs, (-4,)) == 4
