"""`gevent.multiprocessing` beside the standard library's `multiprocessing`, in a program that patches nothing."""

from worlds import run_program


def test_an_executor_takes_a_context_of_gevents(tmp_path, start_method):
    run_program(
        tmp_path,
        "green",
        start_method,
        """
        import multiprocessing as stdlib
        import os, sys
        from concurrent.futures import ProcessPoolExecutor, as_completed

        def square(number):
            return number * number

        def fail(number):
            raise ValueError(number)

        class Given:
            arguments = None

        def take(*arguments):
            Given.arguments = arguments

        def use(number):
            lock, messages, happened, value = Given.arguments
            with lock, value:
                value.value += 1
            messages.put(number)
            is_main = stdlib.current_process().name == "MainProcess"
            return happened.is_set(), stdlib.parent_process() is not None, is_main

        def main(context):
            with ProcessPoolExecutor(2, mp_context=context) as executor:
                assert list(executor.map(square, range(10), timeout=30)) == [number * number for number in range(10)]
                assert isinstance(executor.submit(fail, 3).exception(30), ValueError)
                assert len(list(as_completed([executor.submit(square, number) for number in range(20)], 30))) == 20
            for other in context, stdlib.get_context(context.get_start_method()):
                given = other.Lock(), other.Queue(), other.Event(), other.Value("i", 0)
                given[2].set()
                with ProcessPoolExecutor(2, mp_context=context, initializer=take, initargs=given) as executor:
                    futures = [executor.submit(use, number) for number in range(5)]
                    assert {future.result(30) for future in futures} == {(True, True, False)}
                assert given[3].value == 5
                assert sorted(given[1].get(timeout=30) for _ in range(5)) == list(range(5))
            if sys.version_info >= (3, 11) and context.get_start_method() != "fork":
                with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as executor:
                    assert len({executor.submit(os.getpid).result(30) for _ in range(2)}) == 2
        """,
    )


def test_processes_of_either_package_use_and_flush_objects_of_both(tmp_path, start_method):
    run_program(
        tmp_path,
        "green",
        start_method,
        """
        import multiprocessing as stdlib

        def put(lock, messages, connection, other_lock, other_messages, other_connection):
            with lock, other_lock:
                messages.put("hello")
                other_messages.put("hello")
            connection.send("hello")
            other_connection.send("hello")

        def main(context):
            other = stdlib.get_context(context.get_start_method())
            for each in context, other:
                queues = context.Queue(), other.Queue()
                (ours, theirs), (our_other, their_other) = context.Pipe(), other.Pipe()
                arguments = context.Lock(), queues[0], theirs, other.Lock(), queues[1], their_other
                process = each.Process(target=put, args=arguments)
                process.start()
                assert [messages.get(timeout=30) for messages in queues] == ["hello", "hello"]
                assert ours.recv() == our_other.recv() == "hello"
                process.join()
                assert process.exitcode == 0
        """,
    )


def test_a_forked_process_of_either_package_has_none_of_its_parents_children(tmp_path):
    run_program(
        tmp_path,
        "green",
        "fork",
        """
        import multiprocessing as stdlib
        import os

        def look(messages, pid):
            both = multiprocessing, stdlib
            found = [(len(each.active_children()), each.parent_process().pid == pid) for each in both]
            names = {each.current_process().name for each in both}
            messages.put((found, names))

        def wait(messages):
            messages.get()

        def main(context):
            of_stdlib = stdlib.get_context(context.get_start_method())
            end, messages = context.Queue(), context.Queue()
            waiting = [each.Process(target=wait, args=(end,)) for each in (context, of_stdlib)]
            for process in waiting:
                process.start()
            for each in context, of_stdlib:
                process = each.Process(target=look, args=(messages, os.getpid()))
                process.start()
                assert messages.get(timeout=30) == ([(0, True), (0, True)], {process.name}), each
                process.join(30)
                assert process.exitcode == 0
            for process in waiting:
                end.put(None)
            for process in waiting:
                process.join(30)
        """,
    )
