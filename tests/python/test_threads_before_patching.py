"""Patching while other native threads run: what they hold stays theirs, and they are who they were."""

import textwrap

import pytest
from scripts import run_script


def in_folder(tmp_path, files, main):
    """Run `main` where the modules `files` can be imported."""
    for name, code in files.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
    return run_script(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + textwrap.dedent(main), deadline_s=30)


SLOW = """
    import signals
    signals.begun.set()
    signals.go_on.wait(20)
    import json.tool
    value = 1
"""
SIGNALS = """
    from _thread import allocate_lock
    class Flag:  # native, whatever is patched
        def __init__(self):
            self.lock = allocate_lock()
            self.lock.acquire()
        def set(self):
            self.lock.release()
        def wait(self, seconds):
            assert self.lock.acquire(True, seconds)
    begun, go_on = Flag(), Flag()
"""


@pytest.mark.parametrize("waiting", [0, 1, 3])
def test_a_native_thread_ends_the_import_in_whose_midst_others_patch(tmp_path, waiting):
    """`waiting` more wait natively for the same module at that moment, and greenlets do so afterwards."""
    in_folder(
        tmp_path,
        {"slow": SLOW, "signals": SIGNALS},
        f"""
        import sys, threading, time
        import signals
        seen = []
        def load():
            import slow
            seen.append(slow.value)
        threads = [threading.Thread(target=load)]
        threads[0].start()
        signals.begun.wait(20)
        for _ in range({waiting}):
            threads.append(threading.Thread(target=load))
            threads[-1].start()
        lock = sys.modules["_frozen_importlib"]._module_locks["slow"]()
        while {waiting} and not lock.waiters:
            time.sleep(0.001)
        from gevent import monkey
        monkey.patch_all()
        import gevent
        green = [gevent.spawn(load) for _ in range(3)]
        gevent.sleep(0.01)  # the hub goes on though greenlets wait for the module
        assert not seen
        signals.go_on.set()
        load()
        gevent.joinall(green, raise_error=True)
        for thread in threads:
            thread.join()
        assert len(seen) == {waiting} + 5, seen
        import wave
        late = [threading.Thread(target=__import__, args=("colorsys",)) for _ in range(3)]
        for thread in late:
            thread.start()
        for thread in late:
            thread.join()
        """,
    )


@pytest.mark.parametrize("waiting", [0, 2])
def test_threads_and_greenlets_wait_for_a_module_whose_import_patches(tmp_path, waiting):
    in_folder(
        tmp_path,
        {
            "signals": SIGNALS,
            "patches": f"""
                import sys, threading, time
                seen = []
                def load():
                    import patches
                    seen.append(patches.value)
                threads = [threading.Thread(target=load) for _ in range({waiting})]
                for thread in threads:
                    thread.start()
                lock = sys.modules["_frozen_importlib"]._module_locks["patches"]()
                while threads and not lock.waiters:
                    time.sleep(0.001)
                from gevent import monkey
                monkey.patch_all()
                import gevent
                green = [gevent.spawn(load) for _ in range(2)]
                gevent.sleep(0.01)
                assert not seen
                value = 1
            """,
        },
        f"""
        import patches, gevent
        gevent.joinall(patches.green, raise_error=True)
        for thread in patches.threads:
            thread.join()
        assert patches.seen == [1] * ({waiting} + 2), patches.seen
        """,
    )


def test_a_thread_from_before_patching_stays_who_it_was():
    run_script("""
        import threading, time, _thread
        from gevent import monkey
        go, seen, ident = threading.Event(), [], _thread.get_ident
        def run():
            me = threading.current_thread()
            before = threading.get_ident()
            go.wait()
            again = threading.current_thread()
            same = before == threading.get_ident() == me.ident == ident()
            seen.append((me is again, same, len(threading.enumerate())))
            with threading.Lock(), threading.RLock():
                seen.append(repr(again))
            import gevent
            seen.append(gevent.spawn(threading.get_ident).get() != before)
        thread = threading.Thread(target=run, name="old")
        thread.start()
        monkey.patch_all()
        go.set()
        thread.join()
        assert not thread.is_alive() and thread not in threading.enumerate()
        assert seen[0] == (True, True, 2) and "old" in seen[1] and seen[2], seen
    """)


def test_a_pool_from_before_patching_works_on_job_after_job_and_is_joined_at_exit():
    result = run_script("""
        import concurrent.futures, threading
        from gevent import monkey
        pool = concurrent.futures.ThreadPoolExecutor(2)
        assert pool.submit(pow, 2, 3).result() == 8
        monkey.patch_all()
        import time
        event, lock, condition = threading.Event(), threading.Lock(), threading.Condition()
        def job(number):
            with lock, condition:
                time.sleep(0.001)
            event.wait(0.001)
            return number
        for number in range(20):
            assert pool.submit(job, number).result() == number
        assert list(pool.map(job, range(8))) == list(range(8))
        done = pool.submit(event.wait)
        event.set()
        assert done.result()
        print("end")
    """)
    assert result.stdout == "end\n" and not result.stderr


def test_a_log_record_that_a_thread_writes_while_others_patch_is_written():
    run_script("""
        import io, logging, threading, _thread
        from gevent import monkey
        begun, go_on, errors = threading.Event(), threading.Event(), []
        class Slow(logging.Handler):
            def emit(self, record):
                begun.set()
                go_on.wait()
        logging.raiseExceptions = False
        log = logging.getLogger("slow")
        log.addHandler(Slow())
        def write():
            try:
                log.warning("something")
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        begun.wait()
        monkey.patch_all()
        go_on.set()
        for thread in threads:
            thread.join()
        assert not errors, errors
        log.warning("again")
    """)


@pytest.mark.parametrize("ends", [True, False], ids=["which has ended", "which is busy"])
def test_an_executors_worker_that_a_native_thread_began_works_for_all(ends):
    result = run_script(
        """
        import sys, threading, time
        from concurrent.futures import ThreadPoolExecutor

        ends, native_event = sys.argv[1] == "True", threading.Event
        executor, patched, submitted, may_end = ThreadPoolExecutor(2), native_event(), native_event(), native_event()

        def submit():
            patched.wait()
            assert executor.submit(int, "1").result() == 1
            submitted.set()
            if not ends:
                may_end.wait()

        thread = threading.Thread(target=submit)
        thread.start()
        from gevent import monkey
        monkey.patch_all()
        patched.set()
        if ends:
            thread.join()
        while not submitted.is_set():
            time.sleep(0.001)
        for number in range(20):
            assert executor.submit(int, str(number)).result(10) == number
        assert list(executor.map(abs, range(-20, 0))) == list(range(20, 0, -1))
        may_end.set()
        thread.join()
        executor.shutdown()
        print("done")
        """,
        ends,
    )
    assert result.stdout == "done\n"
