"""How children become what their parent is, before they import anything of the program."""

import importlib.util
import os
import py_compile
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

import pytest
from worlds import run_program

import gevent
from gevent._child_finder import ChildFinder

WHERE_GEVENT_IS = str(Path(gevent.__file__).parent.parent)


@pytest.fixture(params=["forkserver", "spawn"])
def method_with_command_line(request):
    return request.param


def test_a_child_is_patched_as_its_parent_before_the_main_module_runs(tmp_path, method_with_command_line):
    run_program(
        tmp_path,
        "stdlib",
        method_with_command_line,
        """
        import sys
        if __name__ == "__main__":
            from gevent import monkey
            monkey.patch_all(multiprocessing=True, ssl=False, queue=False, Event=False)
            from gevent import config
            config.max_blocking_time = 1.5
            config.resolver = "dnspython" if False else "block"
        # A child imports this file as __mp_main__ and does not patch: it is patched already.
        from gevent import monkey, config
        AT_IMPORT = (sorted(key for key in monkey.saved if not key.startswith("_gevent")), config.max_blocking_time,
                     monkey.is_object_patched("threading", "Event"), monkey.is_module_patched("ssl"))

        def report(connection):
            connection.send(AT_IMPORT)

        def main(context):
            here, there = context.Pipe()
            process = context.Process(target=report, args=(there,))
            process.start()
            patched, blocking_time, event, ssl = here.recv()
            process.join()
            assert "multiprocessing.connection" in patched and "socket" in patched and "queue" not in patched
            assert blocking_time == 1.5 and not event and not ssl
        """,
    )


def test_patching_again_in_a_child_is_neither_an_error_nor_a_warning(tmp_path, method_with_command_line):
    run_program(
        tmp_path,
        "patched",
        method_with_command_line,
        """
        from gevent import monkey
        monkey.patch_all()
        monkey.patch_multiprocessing()

        def main(context):
            process = context.Process(target=print)
            process.start()
            process.join()
            assert process.exitcode == 0
        """,
        check=False,
    ).check_returncode()


def test_children_find_gevent_whatever_the_flags_and_the_path(tmp_path, method_with_command_line):
    """No flag, no variable and no installation tells the child where gevent is: only the parent's sys.path."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = f"""
        import sys
        sys.path.insert(0, {WHERE_GEVENT_IS!r})
        sys.path.append({os.path.dirname(__file__)!r})
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)

        def child(connection):
            import gevent
            connection.send(monkey.is_module_patched("multiprocessing.connection") and gevent.__file__)

        def main(context):
            import gevent
            here, there = context.Pipe()
            process = context.Process(target=child, args=(there,))
            process.start()
            assert here.recv() == gevent.__file__
            process.join()
    """
    for flags in [("-I",), ("-E", "-s"), ("-X", "faulthandler"), ("-W", "error::UserWarning")]:
        run_program(tmp_path, "stdlib", method_with_command_line, code, flags=flags, env={"PYTHONPATH": ""})


@pytest.mark.parametrize("what", ["forgotten", "shadowed", "relative"])
def test_children_find_gevent_whatever_the_program_has_made_of_the_path(tmp_path, method_with_command_line, what):
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    for name in "queue", "select", "socket", "gevent", "greenlet", "traceback":
        (shadows / f"{name}.py").write_text("raise AssertionError('a file of the program, not the module')")
    code = f"""
        import os, sys
        sys.path.append({WHERE_GEVENT_IS!r})
        from gevent import monkey
        monkey.patch_all(multiprocessing=True)

        def child(connection):
            import gevent
            connection.send((monkey.is_module_patched("multiprocessing.connection"), gevent.__file__))

        def main(context):
            import gevent
            where = {{os.path.dirname(sys.modules[name].__path__[0]) for name in ("gevent", "greenlet")}}
            if {what!r} == "forgotten":
                sys.path[:] = [entry for entry in sys.path if entry not in where]
            elif {what!r} == "shadowed":
                sys.path.insert(0, {str(shadows)!r})
            else:
                os.chdir("/")
                sys.path[:] = [os.path.relpath(entry, {str(tmp_path)!r}) for entry in sys.path]
            here, there = context.Pipe()
            process = context.Process(target=child, args=(there,))
            process.start()
            there.close()
            assert here.recv() == (True, gevent.__file__)
            process.join()
            assert process.exitcode == 0
    """
    run_program(tmp_path, "stdlib", method_with_command_line, code)


def test_the_fork_server_has_one_thread_and_no_hub(tmp_path, world):
    run_program(
        tmp_path,
        world,
        "forkserver",
        """
        import os

        def look(connection):
            server = os.getppid()
            names = []
            for fd in os.listdir(f"/proc/{server}/fd"):
                try:
                    names.append(os.readlink(f"/proc/{server}/fd/{fd}"))
                except FileNotFoundError:
                    pass
            connection.send((len(os.listdir(f"/proc/{server}/task")), names))

        def main(context):
            here, there = context.Pipe()
            for _ in range(3):
                process = context.Process(target=look, args=(there,))
                process.start()
                threads, names = here.recv()
                process.join()
                assert threads == 1
                # Its own selector's, and no loop's.
                assert sum("eventpoll" in name for name in names) <= 1, names
                assert not any("eventfd" in name for name in names), names
        """,
    )


def test_resource_tracker_and_frozen_command_lines_stay_as_they_are():
    from gevent.multiprocessing._bootstrap import _with_statement

    tracker = ["python", "-c", "from multiprocessing.resource_tracker import main;main(5)"]
    frozen = ["program", "--multiprocessing-fork", "tracker_fd=5", "pipe_handle=6"]
    assert _with_statement(tracker, "multiprocessing") == tracker
    assert _with_statement(frozen, "multiprocessing") == frozen


def test_the_statement_comes_before_the_program_of_children_and_servers():
    from gevent.multiprocessing._bootstrap import _with_statement

    spawn = ["python", "-E", "-c", "from multiprocessing.spawn import spawn_main; spawn_main(pipe_handle=6)", "--x"]
    changed = _with_statement(spawn, "gevent.multiprocessing")
    assert changed[:3] == spawn[:3] and changed[4:] == spawn[4:]
    assert changed[3].endswith("; from gevent.multiprocessing.spawn import spawn_main; spawn_main(pipe_handle=6)")
    server = ["python", "-c", "import sys; from multiprocessing.forkserver import main; main(3)"]
    assert "True); " in _with_statement(server, "multiprocessing")[2]
    assert _with_statement(server, "multiprocessing")[2].endswith(f"; {server[2]}")
    compile(_with_statement(server, "multiprocessing")[2], "<program>", "exec")
    assert sys.path  # the statement carries it


def looked_for(spec):
    """What a module that is made of `spec` knows of itself."""
    return spec and (
        spec.name,
        spec.origin,
        spec.cached,
        spec.submodule_search_locations,
        spec.has_location,
        spec.parent,
    )


def test_a_child_finds_the_modules_of_gevent_where_python_does():
    finder = ChildFinder({"gevent": [WHERE_GEVENT_IS]})
    assert looked_for(finder.find_spec("gevent")) == looked_for(gevent.__spec__)
    for source in Path(gevent.__file__).parent.rglob("*.py"):
        *package, noun = source.relative_to(WHERE_GEVENT_IS).with_suffix("").parts
        if noun == "__init__":
            *package, noun = package
        if not package:
            continue
        name, path = ".".join([*package, noun]), [os.path.join(WHERE_GEVENT_IS, *package)]
        found = finder.find_spec(name, path)
        assert looked_for(found) == looked_for(PathFinder.find_spec(name, path)), name
        assert type(found.loader) is SourceFileLoader
    native = list(gevent._native.__path__)
    for name in "gevent._native.hub", "gevent._native.ares":
        assert looked_for(finder.find_spec(name, native)) == looked_for(importlib.util.find_spec(name))
    assert finder.find_spec("gevent.no_such_module", gevent.__path__) is None
    assert finder.find_spec("json") is None


def test_a_child_finds_modules_of_gevent_that_have_no_source_and_that_are_in_several_folders(tmp_path):
    finder, folders = ChildFinder({}), [str(tmp_path / "one"), str(tmp_path / "other")]
    for folder in folders:
        os.mkdir(folder)
    (tmp_path / "module.py").write_text("")
    py_compile.compile(str(tmp_path / "module.py"), cfile=os.path.join(folders[0], "compiled.pyc"))
    assert finder.find_spec("gevent.compiled", folders[:1]).origin == os.path.join(folders[0], "compiled.pyc")
    (tmp_path / "other" / "module.py").write_text("")
    assert finder.find_spec("gevent.module", folders).origin == os.path.join(folders[1], "module.py")
    assert finder.find_spec("gevent.module", folders[:1]) is None


def test_a_child_collects_garbage_but_does_not_look_through_what_it_began_with(tmp_path, method_with_command_line):
    run_program(
        tmp_path,
        "patched",
        method_with_command_line,
        """
        import gc, weakref

        class Node:
            pass

        AT_IMPORT = gc.isenabled(), gc.get_freeze_count() > 1000

        def report(connection):
            node = Node()
            node.itself = node
            gone = weakref.ref(node)
            del node
            gc.collect()
            connection.send((*AT_IMPORT, gone() is None))

        def main(context):
            here, there = context.Pipe()
            process = context.Process(target=report, args=(there,))
            process.start()
            assert here.recv() == (True, True, True)
            process.join()
        """,
    )


def test_a_child_whose_start_switched_the_collection_off_does_without(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import gc; gc.disable()", encoding="utf-8")
    run_program(
        tmp_path,
        "patched",
        "spawn",
        """
        import gc

        def check():
            assert not gc.isenabled()

        def main(context):
            process = context.Process(target=check)
            process.start()
            process.join()
            assert process.exitcode == 0
        """,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), os.path.dirname(__file__)])},
    )


def test_the_fork_server_of_a_frozen_program_begins_with_the_words_that_its_executable_knows(tmp_path):
    """PyInstaller's executables run what begins so, within a function, and no other command line."""
    run_program(
        tmp_path,
        "patched",
        "forkserver",
        """
        def main(context):
            import sys
            from gevent.multiprocessing._bootstrap import _with_statement
            words = "from multiprocessing.forkserver import main; "
            plain = _with_statement(["program", "-B", "-c", words + "main(3)"], "multiprocessing")
            sys.frozen = True
            frozen = _with_statement(["program", "-B", "-c", words + "main(3)"], "multiprocessing")
            assert not plain[3].startswith(words) and frozen[3].startswith(words)
            assert frozen[3].endswith("; " + words + "main(3)") and frozen[:3] == plain[:3]
            assert "lambda" not in frozen[3]
        """,
    )
