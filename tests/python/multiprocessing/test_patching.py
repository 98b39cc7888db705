"""What patching `multiprocessing` replaces, and what it leaves alone."""

from scripts import run_script


def test_classes_singletons_and_the_start_method_stay():
    run_script("""
        import multiprocessing, multiprocessing.connection, multiprocessing.synchronize, multiprocessing.util
        from multiprocessing import resource_tracker, resource_sharer, forkserver, context
        before = {
            "connection": multiprocessing.connection.Connection,
            "lock": multiprocessing.synchronize.Lock,
            "tracker": resource_tracker._resource_tracker,
            "sharer": resource_sharer._resource_sharer,
            "server": forkserver._forkserver,
            "default": context._default_context,
        }
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        after = {
            "connection": multiprocessing.connection.Connection,
            "lock": multiprocessing.synchronize.Lock,
            "tracker": resource_tracker._resource_tracker,
            "sharer": resource_sharer._resource_sharer,
            "server": forkserver._forkserver,
            "default": context._default_context,
        }
        assert before == after
        assert multiprocessing.get_start_method(allow_none=True) is None
        assert monkey.is_module_patched("multiprocessing.connection")
        assert monkey.is_object_patched("multiprocessing.connection", "wait")
        assert monkey.get_original("multiprocessing.connection", "wait") is not multiprocessing.connection.wait
        assert monkey.saved["multiprocessing.connection"]["Connection._recv"] is not before["connection"]._recv
        multiprocessing.set_start_method("spawn")  # nobody has set it
        """)


def test_connections_made_before_patching_are_green_after_it():
    run_script("""
        import multiprocessing
        here, there = multiprocessing.Pipe()
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        import gevent
        gevent.spawn_later(0.01, there.send, "late")
        assert here.recv() == "late"
        """)


def test_without_being_asked_nothing_of_multiprocessing_is_patched_or_imported():
    run_script("""
        import sys
        from gevent import monkey
        monkey.patch_all()
        assert not any(name.split(".")[0] == "multiprocessing" for name in [*monkey.saved, *sys.modules])
        assert not any(name.startswith("gevent.multiprocessing") for name in sys.modules)
        """)


def test_the_environment_variable_and_the_command_line_ask_for_it_too():
    code = """
        from gevent import monkey
        monkey.patch_all()
        import multiprocessing.connection
        assert monkey.is_object_patched("multiprocessing.connection", "wait")
        """
    run_script(code, env={"GEVENT_PATCH_MULTIPROCESSING": "1"})
    run_script("""
        import os, subprocess, sys, tempfile
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write("from gevent.monkey import is_object_patched as patched\\n")
            file.write("print(patched('multiprocessing.connection', 'wait'))")
            file.flush()
            command = [sys.executable, "-m", "gevent.monkey", "--multiprocessing", file.name]
            assert subprocess.check_output(command, timeout=30) == b"True\\n"
        """)


def test_where_it_cannot_work_it_says_so_and_nothing_is_patched():
    run_script("""
        import sys
        sys.modules["_multiprocessing"] = None
        import socket
        from gevent import monkey
        before = socket.socket
        for patch in monkey.patch_multiprocessing, lambda: monkey.patch_all(multiprocessing=True):
            try:
                patch()
            except ImportError as error:
                assert "_multiprocessing" in str(error), error
            else:
                raise AssertionError("patched")
        assert socket.socket is before and not monkey.saved, monkey.saved
        """)


def test_something_missing_half_way_leaves_everything_as_it_was():
    run_script("""
        import multiprocessing.connection, multiprocessing.forkserver, multiprocessing.popen_fork
        del multiprocessing.forkserver._forkserver
        before = dict(vars(multiprocessing.connection)), dict(vars(multiprocessing.popen_fork.Popen))
        from gevent import monkey
        try:
            monkey.patch_multiprocessing()
        except ImportError as error:
            assert "_forkserver" in str(error)
        else:
            raise AssertionError("patched")
        assert before == (dict(vars(multiprocessing.connection)), dict(vars(multiprocessing.popen_fork.Popen)))
        """)


def test_in_a_patched_process_gevents_own_package_is_another_name_for_the_patched_one():
    run_script("""
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        import multiprocessing, multiprocessing.pool
        from gevent import multiprocessing as green
        from gevent.multiprocessing.pool import Pool
        import gevent.multiprocessing.connection
        assert green.Process is multiprocessing.Process and Pool is multiprocessing.pool.Pool
        assert gevent.multiprocessing.connection is multiprocessing.connection
        """)


def test_gevents_own_package_leaves_the_standard_librarys_alone():
    run_script("""
        import multiprocessing, multiprocessing.connection, multiprocessing.synchronize, threading
        before = dict(vars(multiprocessing.connection)), dict(vars(multiprocessing.synchronize)), dict(vars(threading))
        from gevent import multiprocessing as green
        for name in green.__all__:
            assert getattr(green, name) is not None and hasattr(multiprocessing, name), name
        assert green.Lock() is not None and set(dir(green)) >= set(green.__all__)
        assert before == (dict(vars(multiprocessing.connection)), dict(vars(multiprocessing.synchronize)),
                          dict(vars(threading)))
        assert green.Process.__module__ == "gevent.multiprocessing.context"
        import pickle, gevent.multiprocessing.queues
        assert pickle.loads(pickle.dumps(gevent.multiprocessing.queues.Queue)) is gevent.multiprocessing.queues.Queue
        """)


def test_modules_of_which_a_program_has_no_use_are_not_imported_and_are_patched_when_they_are():
    run_script("""
        import sys
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)
        import multiprocessing
        process = multiprocessing.get_context("fork").Process(target=print)
        process.start()
        process.join()
        assert process.exitcode == 0
        unneeded = ["connection", "forkserver", "resource_sharer", "synchronize"]
        # Newer Pythons tell the resource tracker of each fork, and that imports it.
        tells = "_fork_intent" in multiprocessing.popen_fork.Popen._launch.__code__.co_names
        unneeded += [] if tells else ["spawn"]
        for name in unneeded:
            assert f"multiprocessing.{name}" not in sys.modules, name
        assert "tempfile" not in sys.modules
        unused = {"ssl", "queue", "heapq", "resource"} | ({"_multiprocessing"} if sys.version_info < (3, 14) else set())
        ours = ("early_locks", "forkserver", "manager_connections", "manager_waits", "managers", "queues")
        unused |= {f"gevent.multiprocessing._{name}" for name in ours}
        assert not unused & set(sys.modules), unused & set(sys.modules)
        from multiprocessing.connection import Connection, wait  # not by `finish`, which asking monkey would do
        from gevent.multiprocessing import _connection
        assert wait is _connection.wait
        assert monkey.get_original("multiprocessing.connection", "wait") is not wait
        assert monkey.is_object_patched("multiprocessing.synchronize", "_multiprocessing")
        assert "multiprocessing.synchronize" in sys.modules
        from multiprocessing import forkserver, managers, popen_forkserver, queues
        changed = [managers.BaseProxy._callmethod, forkserver.read_signed]
        changed += [popen_forkserver.Popen.wait, queues.Queue.put]
        assert all(each.__code__.co_filename.startswith(sys.modules["gevent"].__path__[0]) for each in changed), changed
        names = {"managers": "BaseProxy._callmethod", "queues": "Queue.put", "forkserver": "read_signed"}
        for module, name in names.items():
            original = monkey.get_original(f"multiprocessing.{module}", name)
            assert original.__module__ == f"multiprocessing.{module}", original
        """)


def test_if_it_is_refused_what_is_imported_later_stays_as_it_is():
    run_script("""
        import sys
        from gevent.multiprocessing._package import Package
        package = Package()
        changes = package._changes

        def fail():
            changes()
            raise ImportError("not here")

        package._changes = fail
        try:
            package.make_green()
        except ImportError:
            pass
        else:
            raise AssertionError("was not refused")
        assert "multiprocessing.connection" not in sys.modules
        from multiprocessing import connection
        assert connection.wait.__module__ == "multiprocessing.connection"
        package._changes = changes
        package.make_green()
        assert connection.wait.__module__ == "gevent.multiprocessing._connection"
        """)
