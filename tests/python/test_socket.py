"""Sockets: what each call does when it need not wait, when it must, and when somebody interferes meanwhile."""

# tidy: long because a socket has many calls, and each can succeed, wait, time out and be interrupted.
import errno
import fcntl
import gc
import io
import os
import pickle
import socket as stdlib_socket
import threading
import warnings
import weakref

import pytest
from scripts import run_script

import gevent
from gevent import socket, ssl
from gevent.event import Event
from gevent.exceptions import ConcurrentObjectUseError, LoopExit


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


@pytest.fixture
def listener():
    made = socket.create_server(("127.0.0.1", 0))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _quiet_failures():
    hub = gevent.get_hub()
    known, hub.NOT_ERROR = hub.NOT_ERROR, (*hub.NOT_ERROR, OSError, AssertionError)
    yield
    hub.NOT_ERROR = known


def _parked(function, *args):
    """A greenlet that has begun to wait in `function`."""
    waiting = gevent.spawn(function, *args)
    gevent.sleep(0)
    assert not waiting.ready()
    return waiting


def _fill(sock):
    sock.setblocking(False)
    try:
        while True:
            sock.send(b"x" * 65536)
    except BlockingIOError:
        sock.setblocking(True)


def _is_nonblocking(fd):
    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK)


# ---- receiving and sending -------------------------------------------------------------------------------------------


def test_what_is_there_is_received_without_letting_anybody_else_run(pair):
    one, other = pair
    other.sendall(b"hello")
    ran = []
    gevent.spawn(ran.append, 1)
    assert one.recv(100) == b"hello"
    assert not ran


def test_receiving_waits_while_others_run(pair):
    one, other = pair
    received = gevent.spawn(one.recv, 100)
    gevent.sleep(0)
    other.sendall(b"later")
    assert received.get(timeout=5) == b"later"


def test_the_end_of_the_stream_is_nothing(pair):
    one, other = pair
    received = _parked(one.recv, 100)
    other.close()
    assert received.get(timeout=5) == b""


@pytest.mark.parametrize("size", [1, 4096, 65536, 200_000])
def test_any_size_may_be_asked_for(pair, size):
    one, other = pair
    other.sendall(b"ab")
    assert one.recv(size) == b"ab"[:size]


def test_large_messages_come_whole_and_small_ones_after_them_too(pair):
    one, other = pair
    sizes = [50_000, 60_000, 10, 60_000, 1, 30_000]
    sender = gevent.spawn(lambda: [other.sendall(bytes([i]) * size) for i, size in enumerate(sizes)])
    received = b""
    while len(received) < sum(sizes):
        received += one.recv(65536)
    sender.get()
    assert received == b"".join(bytes([i]) * size for i, size in enumerate(sizes))


def test_receiving_into_a_buffer(pair):
    one, other = pair
    buffer = bytearray(b".....")
    other.sendall(b"abcdefg")
    assert one.recv_into(buffer, 2) == 2 and buffer == b"ab..."
    assert one.recv_into(memoryview(buffer)[2:]) == 3 and buffer == b"abcde"
    assert one.recvfrom_into(buffer) == (2, None) and buffer == b"fgcde"
    assert one.recv_into(bytearray()) == 0
    with pytest.raises(ValueError):
        one.recv_into(buffer, 6)
    with pytest.raises(ValueError):
        one.recv_into(buffer, -1)
    with pytest.raises((TypeError, BufferError)):
        one.recv_into(b"constant")


def test_sending_all_of_a_large_memoryview_waits_for_room(pair):
    one, other = pair
    data = os.urandom(3_000_000)
    sender = _parked(one.sendall, memoryview(data))
    received = bytearray()
    while len(received) < len(data):
        received += other.recv(100_000)
    assert sender.get(timeout=5) is None
    assert received == data


def test_one_greenlet_receives_while_another_sends(pair):
    one, other = pair
    _fill(one)
    sender, receiver = _parked(one.sendall, b"more"), _parked(one.recv, 10)
    other.sendall(b"to you")
    assert receiver.get(timeout=5) == b"to you"
    assert not sender.ready()
    while not sender.ready():
        other.recv(1_000_000)
        gevent.sleep(0)


def test_half_a_connection_can_be_shut_down(pair):
    one, other = pair
    one.shutdown(socket.SHUT_WR)
    assert other.recv(10) == b""
    other.sendall(b"still")
    assert one.recv(10) == b"still"


def test_flags_reach_the_system(pair):
    one, other = pair
    other.sendall(b"hello")
    assert one.recv(10, socket.MSG_PEEK) == b"hello"
    assert one.recv(10) == b"hello"
    with pytest.raises(BlockingIOError):
        one.recv(10, socket.MSG_DONTWAIT)
    _fill(one)
    with pytest.raises(BlockingIOError):
        one.send(b"x", socket.MSG_DONTWAIT)


def test_messages_are_gathered_and_carry_descriptors(pair):
    one, other = pair
    assert one.sendmsg([b"ab", bytearray(b"cd"), memoryview(b"ef")]) == 6
    assert other.recvmsg(100) == (b"abcdef", [], 0, None)
    reading, writing = os.pipe()
    socket.send_fds(one, [b"pipe"], [writing])
    os.close(writing)
    data, (arrived,), _flags, _address = socket.recv_fds(other, 10, 2)
    os.write(arrived, b"through")
    assert (data, os.read(reading, 10)) == (b"pipe", b"through")
    os.close(arrived)
    os.close(reading)
    waiting = _parked(other.recvmsg, 10, 100)
    one.sendall(b"late")
    assert waiting.get(timeout=5)[0] == b"late"
    buffers = [bytearray(2), bytearray(4)]
    one.sendall(b"vector")
    assert other.recvmsg_into(buffers)[0] == 6 and buffers == [b"ve", b"ctor"]


def test_datagrams_go_to_addresses_and_tell_theirs():
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        waiting = _parked(one.recvfrom, 100)
        assert other.sendto(b"hello", one.getsockname()) == 5
        assert waiting.get(timeout=5) == (b"hello", other.getsockname())
        assert other.sendto(b"flags", 0, ("localhost", one.getsockname()[1])) == 5
        buffer = bytearray(10)
        assert one.recvfrom_into(buffer) == (5, other.getsockname())
        for mistake in (("127.0.0.1", 70000), ("127.0.0.1", "http"), ("127.0.0.1",), "127.0.0.1", None):
            with pytest.raises((TypeError, OverflowError)):
                other.sendto(b"x", mistake)


def test_bad_arguments_are_the_standard_library_s_errors(pair):
    one, _ = pair
    with pytest.raises(ValueError, match="negative buffersize in recv"):
        one.recv(-1)
    for call in (lambda: one.recv(), lambda: one.recv("x"), lambda: one.recv(1.0), lambda: one.send("text"),
                 lambda: one.sendall("text"), lambda: one.sendto(b"x"), lambda: one.settimeout("x")):  # fmt: skip
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ValueError, match="Timeout value out of range"):
        one.settimeout(-1)


# ---- guessing whether there is something -----------------------------------------------------------------------------


def test_a_socket_that_was_often_empty_loses_nothing_and_still_reads_in_hub_callbacks(pair):
    one, other = pair

    def answer():
        while data := other.recv(100):
            other.sendall(data)

    gevent.spawn(answer)
    for i in range(100):
        one.sendall(b"%d" % i)
        assert one.recv(100) == b"%d" % i
    other.sendall(b"there")
    assert one.recv(100) == b"there"
    other.sendall(b"for the hub")
    seen, done = [], Event()

    def in_the_hub():
        seen.append(one.recv(100))
        done.set()

    gevent.get_hub().loop.run_callback(in_the_hub)
    assert done.wait(5) and seen == [b"for the hub"]


# ---- time ------------------------------------------------------------------------------------------------------------


def test_a_timeout_ends_each_kind_of_wait(pair, listener):
    one, other = pair
    for sock in (one, listener):
        sock.settimeout(0.01)
    _fill_for_timeout = lambda: one.sendall(b"x" * 10_000_000)  # noqa: E731
    for call in (lambda: one.recv(1), lambda: one.recv_into(bytearray(1)), lambda: one.recvfrom(1),
                 lambda: one.recvmsg(1), listener.accept, _fill_for_timeout, lambda: one.send(b"x"),
                 lambda: one.sendmsg([b"x"])):  # fmt: skip
        with pytest.raises(socket.timeout) as caught:
            call()
        assert caught.value.args == ("timed out",)
    one.settimeout(None)
    with pytest.raises(socket.timeout):
        one.send(b"x", timeout=0.01)


def test_without_blocking_nothing_waits(pair, listener):
    one, _ = pair
    one.setblocking(False)
    listener.setblocking(False)
    assert one.gettimeout() == 0.0 and not one.getblocking()
    for call in (lambda: one.recv(1), lambda: one.recv_into(bytearray(1)), lambda: one.recvfrom(1),
                 lambda: one.recvmsg(1), listener.accept):  # fmt: skip
        with pytest.raises(BlockingIOError):
            call()
    one.sendall(b"fits")
    with pytest.raises(socket.timeout):
        one.sendall(b"x" * 10_000_000)
    with pytest.raises(BlockingIOError):
        one.send(b"x")


def test_timeouts_are_seconds_or_none(pair):
    one, _ = pair
    assert one.gettimeout() is None and one.getblocking()
    one.settimeout(2)
    assert one.gettimeout() == one.timeout == 2.0
    one.timeout = None
    assert one.gettimeout() is None


def test_new_and_accepted_sockets_have_the_default_timeout(listener):
    stdlib_socket.setdefaulttimeout(3)
    try:
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            with accepted:
                assert client.gettimeout() == accepted.gettimeout() == 3.0
    finally:
        stdlib_socket.setdefaulttimeout(None)


# ---- interference ----------------------------------------------------------------------------------------------------


def test_only_one_greenlet_may_wait_to_receive(pair):
    one, other = pair
    first = _parked(one.recv, 10)
    with pytest.raises(ConcurrentObjectUseError, match="already used by another greenlet"):
        one.recv(10)
    other.sendall(b"first")
    assert first.get(timeout=5) == b"first"


@pytest.mark.parametrize("end", ["close", "detach"])
def test_closing_ends_the_waits_of_others(end, pair):
    one, _ = pair
    _fill(one)
    waiting = [_parked(one.recv, 10), _parked(one.sendall, b"x")]
    fd = getattr(one, end)()
    for each in waiting:
        with pytest.raises(OSError) as caught:
            each.get(timeout=5)
        assert caught.value.errno == errno.EBADF and isinstance(caught.value, socket.cancel_wait_ex)
    assert one.fileno() == -1
    if fd is not None:
        os.close(fd)


def _connected(family, kind):
    """Two connected sockets, for whichever kind."""
    if family == socket.AF_UNIX:
        return socket.socketpair(family, kind)
    if kind == socket.SOCK_STREAM:
        with socket.create_server(("127.0.0.1", 0)) as server:
            one = socket.create_connection(server.getsockname())
            return one, server.accept()[0]
    one, other = socket.socket(family, kind), socket.socket(family, kind)
    for each in one, other:
        each.bind(("127.0.0.1", 0))
    one.connect(other.getsockname())
    other.connect(one.getsockname())
    return one, other


KINDS = pytest.mark.parametrize(
    "family, kind",
    [(family, kind) for family in ("AF_INET", "AF_UNIX") for kind in ("SOCK_STREAM", "SOCK_DGRAM")]
    + [("AF_UNIX", "SOCK_SEQPACKET")],
)
RECEIVING = {
    "recv": (lambda sock: sock.recv(10), b""),
    "recv_into": (lambda sock: sock.recv_into(bytearray(10)), 0),
    "recvfrom": (lambda sock: sock.recvfrom(10)[0], b""),
    "recvfrom_into": (lambda sock: sock.recvfrom_into(bytearray(10))[0], 0),
    "recvmsg": (lambda sock: sock.recvmsg(10)[0], b""),
}


AND_THEN = pytest.mark.parametrize("and_then", ["nothing", "close"])  # a thread has been told before that


@KINDS
@pytest.mark.parametrize("call", RECEIVING)
@pytest.mark.parametrize("how", ["SHUT_RD", "SHUT_RDWR"])
@AND_THEN
def test_who_receives_finds_the_end_when_others_shut_down(family, kind, call, how, and_then):
    """As in the standard library, where a thread that waits meanwhile is told of the end of the stream."""
    one, other = _connected(getattr(socket, family), getattr(socket, kind))
    receive, nothing = RECEIVING[call]
    with one, other:
        waiting = _parked(receive, one)
        one.shutdown(getattr(socket, how))
        if and_then == "close":
            one.close()
        assert waiting.get(timeout=5) == nothing
        if and_then == "close":
            with pytest.raises(OSError, match="Bad file descriptor"):
                receive(one)
        else:
            assert gevent.spawn(receive, one).get(timeout=5) == nothing


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
@pytest.mark.parametrize("how", ["SHUT_WR", "SHUT_RDWR"])
@pytest.mark.parametrize("call", ["sendall", "send", "sendmsg"])
@AND_THEN
def test_who_sends_finds_the_pipe_broken_when_others_shut_down(family, how, call, and_then):
    one, other = _connected(getattr(socket, family), socket.SOCK_STREAM)
    with one, other:
        _fill(one)
        waiting = _parked(getattr(one, call), [b"x"] if call == "sendmsg" else b"x")
        one.shutdown(getattr(socket, how))
        if and_then == "close":
            one.close()
        with pytest.raises(BrokenPipeError):
            waiting.get(timeout=5)


def test_who_waits_in_the_other_direction_goes_on_waiting(pair):
    one, other = pair
    waiting = _parked(one.recv, 10)
    one.shutdown(socket.SHUT_WR)
    gevent.sleep(0)
    assert not waiting.ready()
    other.sendall(b"still")
    assert waiting.get(timeout=5) == b"still"


@AND_THEN
def test_who_accepts_is_told_by_the_system_that_others_shut_down(listener, and_then):
    waiting = _parked(listener.accept)
    listener.shutdown(socket.SHUT_RDWR)
    if and_then == "close":
        listener.close()
    with pytest.raises(OSError, match="Invalid argument"):
        waiting.get(timeout=5)


def test_a_file_ends_when_its_socket_is_shut_down(pair):
    one, other = pair
    with one.makefile("rb") as file:
        other.sendall(b"half")
        waiting = _parked(file.readline)
        one.shutdown(socket.SHUT_RD)
        assert waiting.get(timeout=5) == b"half"


def test_who_is_woken_and_has_not_run_when_others_close_is_told_of_that(pair):
    one, other = pair
    waiting = _parked(one.recv, 10)
    other.sendall(b"too late")  # the two know each other, so that this wakes who waits at once
    one.close()
    with pytest.raises(socket.cancel_wait_ex):
        waiting.get(timeout=5)


def test_a_number_used_again_after_closing_is_another_socket():
    one, other = socket.socketpair()
    waiting = _parked(one.recv, 10)
    number = one.fileno()
    one.close()
    again, another = socket.socketpair()
    assert number in (again.fileno(), another.fileno())
    another.sendall(b"new")
    assert again.recv(10) == b"new"
    with pytest.raises(socket.cancel_wait_ex):
        waiting.get(timeout=5)
    for each in (other, again, another):
        each.close()


def test_killing_a_receiver_loses_nothing(pair):
    one, other = pair
    killed = _parked(one.recv, 10)
    killed.kill()
    other.sendall(b"kept")
    assert one.recv(10) == b"kept"


def test_a_timeout_in_the_middle_of_sending_leaves_the_socket_usable(pair):
    one, other = pair
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        one.sendall(b"x" * 10_000_000)
    sender = gevent.spawn(one.sendall, b"END")
    received = b""
    while not received.endswith(b"END"):
        received = received[-2:] + other.recv(1_000_000)
    sender.get()


def test_a_watcher_for_others_is_made_on_demand_and_ends_with_the_socket(pair):
    one, _ = pair
    watcher = one._read_event
    assert watcher is one._read_event and not watcher.active
    waiting = _parked(socket.wait, watcher)
    one.close()
    with pytest.raises(socket.cancel_wait_ex):
        waiting.get(timeout=5)
    assert one._read_event is None


def test_a_wait_on_a_watcher_can_be_cancelled(pair):
    one, _ = pair
    waiting = _parked(socket.wait, one._read_event)
    socket.cancel_wait(one._read_event)
    with pytest.raises(socket.cancel_wait_ex):
        waiting.get(timeout=5)


@pytest.mark.parametrize("event", ["_read_event", "_write_event"])
@pytest.mark.parametrize("error", [socket.cancel_wait_ex, KeyError("reason")])
def test_a_call_that_waits_without_the_watcher_can_be_cancelled_with_it(event, error, pair):
    one, other = pair
    call = (one.recv, 1) if event == "_read_event" else (one.sendall, bytes(10_000_000))
    waiting = _parked(*call)
    socket.cancel_wait(getattr(one, event), error)
    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        waiting.get(timeout=5)
    # The socket is as good as before, and there is nothing left to cancel.
    socket.cancel_wait(one._read_event)
    other.sendall(b"x")
    assert one.recv(1) == b"x"


def test_waiting_without_ref_does_not_keep_the_hub_running():
    run_script("""
        import gevent
        from gevent import socket
        one, other = socket.socketpair()
        assert one.ref
        one.ref = False
        try:
            one.recv(1)
        except gevent.exceptions.LoopExit:
            pass
        else:
            raise AssertionError("nobody could ever have woken it")
        assert not one._read_event.ref
    """)
    assert LoopExit


# ---- connections -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connecting_and_accepting(family, host):
    try:
        listening = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no such address")
    with listening:
        accepting = _parked(listening.accept)
        with socket.socket(family) as client:
            client.connect(listening.getsockname())
            accepted, address = accepting.get(timeout=5)
            with accepted:
                assert type(accepted) is socket.socket
                assert (accepted.family, accepted.type, accepted.timeout) == (family, socket.SOCK_STREAM, None)
                assert address == client.getsockname() == accepted.getpeername()
                assert accepted.getsockname() == client.getpeername() == listening.getsockname()
                accepted.sendall(b"welcome")
                assert client.recv(100) == b"welcome"
                assert _is_nonblocking(accepted.fileno()) and not os.get_inheritable(accepted.fileno())


def test_local_sockets_have_paths(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(path)
        listening.listen()
        client.connect(path)
        accepted, address = listening.accept()
        with accepted:
            assert address == "" and accepted.getsockname() == client.getpeername() == path


def test_connecting_waits_for_a_full_backlog_to_empty(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(0)
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(path)
            connecting = _parked(second.connect, path)
            for _ in range(2):
                listening.accept()[0].close()
            connecting.get(timeout=5)
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(path)
            second.settimeout(0.01)
            with pytest.raises(socket.timeout):
                second.connect(path)


def test_names_are_looked_up_by_the_resolver(listener):
    with socket.create_connection(("localhost", listener.getsockname()[1])) as client:
        assert client.getpeername() == listener.getsockname()


def test_a_refused_connection_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(address)
    with socket.socket() as client:
        assert client.connect_ex(address) == errno.ECONNREFUSED
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(address) in (errno.EINPROGRESS, errno.ECONNREFUSED)


def test_what_is_no_address_is_refused():
    for mistake, error in ((("127.0.0.1", 70000), OverflowError), (("127.0.0.1", "http"), TypeError), (None, TypeError),
                           (("127.0.0.1",), TypeError), ("127.0.0.1", TypeError)):  # fmt: skip
        for name in ("connect", "connect_ex"):
            with socket.socket() as client, pytest.raises(error):
                getattr(client, name)(mistake)


def test_a_connection_can_come_from_a_chosen_address(listener):
    with socket.create_connection(listener.getsockname(), timeout=5, source_address=("127.0.0.1", 0)) as client:
        assert client.gettimeout() == 5.0


def test_create_connection_tells_of_all_attempts_if_asked():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    try:
        group = ExceptionGroup
    except NameError:
        group = ConnectionRefusedError
    with pytest.raises(group):
        socket.create_connection(address, all_errors=True)


def test_accepting_from_a_closed_listener_is_an_error_and_does_not_wait(listener):
    listener.close()
    with pytest.raises(OSError) as caught:
        listener.accept()
    assert caught.value.errno == errno.EBADF


def test_accepting_goes_on_after_a_connection_that_others_took(listener):
    waiting = _parked(listener.accept)
    taker = stdlib_socket.socket(fileno=os.dup(listener.fileno()))
    with taker, stdlib_socket.create_connection(listener.getsockname()):
        taker.setblocking(True)
        taken, _address = taker.accept()  # before the loop has looked
        taken.close()
        gevent.idle()
        assert not waiting.ready()
        with stdlib_socket.create_connection(listener.getsockname()) as second:
            accepted, address = waiting.get(timeout=5)
            assert address == second.getsockname()
            accepted.close()


def test_servers_made_without_patching_are_green(listener):
    assert type(listener) is socket.socket
    assert type(socket.fromfd(listener.fileno(), socket.AF_INET, socket.SOCK_STREAM)) is socket.socket


def test_addresses_come_with_names_for_their_numbers():
    family, kind, _proto, _name, address = socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0]
    assert repr(family).startswith("<AddressFamily") and repr(kind).startswith("<SocketKind")
    assert address == ("127.0.0.1", 80)
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    assert socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV) == ("127.0.0.1", "80")


def test_rare_families_work_through_the_standard_library():
    try:
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    except (AttributeError, OSError):
        pytest.skip("no netlink here")
    with one:
        one.bind((0, 0))
        assert len(one.getsockname()) == 2
        one.settimeout(0.01)
        with pytest.raises(socket.timeout):
            one.recvfrom(100)
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            one.recvfrom(100)


# ---- the object ------------------------------------------------------------------------------------------------------


def test_a_socket_looks_like_the_standard_library_s(listener):
    assert repr(listener).startswith("<gevent._socket3.socket at 0x") and f"fd={listener.fileno()}" in repr(listener)
    assert listener.family is socket.AF_INET and listener.type is socket.SOCK_STREAM
    assert (
        isinstance(listener._sock, stdlib_socket.SocketType.__mro__[-2]) or listener._sock.fileno() == listener.fileno()
    )
    assert listener._sock.gettimeout() == 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as flagged:
        assert flagged.type == socket.SOCK_STREAM
    listener.close()
    assert listener.closed and "[closed]" in repr(listener)
    for call in (lambda: listener.recv(1), lambda: listener.send(b"x"), listener.accept, listener.getsockname,
                 lambda: listener.shutdown(2), lambda: listener.getsockopt(1, 1), listener.dup):  # fmt: skip
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno == errno.EBADF


def test_a_socket_cannot_be_pickled_has_no_attributes_and_can_be_referred_to_weakly(pair):
    one, _ = pair
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(one, protocol)
    with pytest.raises(AttributeError):
        one.anything = 1
    assert weakref.ref(one)() is one and weakref.ref(one._sock)() is one._sock


def test_a_forgotten_socket_is_closed_with_a_warning():
    one, other = socket.socketpair()
    look = repr(one)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del one
        gc.collect()
    assert [look in str(each.message) for each in caught if each.category is ResourceWarning] == [True]
    assert other.recv(1) == b""
    other.close()


def test_files_keep_the_descriptor_open(pair):
    one, other = pair
    with one.makefile("rwb", buffering=0) as file:
        one.close()
        assert one.closed and one.fileno() >= 0
        other.sendall(b"line\n")
        assert file.readline() == b"line\n"
        file.write(b"back")
        assert other.recv(10) == b"back"
    assert one.fileno() == -1


def test_a_copy_is_independent(pair):
    one, other = pair
    one.settimeout(5)
    with one.dup() as copy:
        assert copy.fileno() != one.fileno() and copy.gettimeout() == 5.0
        one.close()
        other.sendall(b"x")
        assert copy.recv(1) == b"x"


def test_a_detached_descriptor_is_as_the_timeout_says():
    for timeout, nonblocking in ((None, False), (5, True), (0, True)):
        one, other = socket.socketpair()
        assert _is_nonblocking(one.fileno())
        one.settimeout(timeout)
        fd = one.detach()
        assert _is_nonblocking(fd) is nonblocking
        assert (one.fileno(), one.detach(), one.closed) == (-1, -1, True)
        with socket.socket(fileno=fd) as again:
            other.sendall(b"x")
            assert again.recv(1) == b"x" and again.family == socket.AF_UNIX
        other.close()


def test_nothing_blocks_though_somebody_makes_the_file_blocking(pair, listener):
    one, other = pair
    for sock in (one, listener):
        os.set_blocking(sock.fileno(), True)
        sock.settimeout(0.01)
    for call in (lambda: one.recv(1), lambda: one.sendall(b"x" * 10_000_000), listener.accept):
        with pytest.raises(socket.timeout):
            call()
    with socket.socket() as client:
        os.set_blocking(client.fileno(), True)
        client.connect(listener.getsockname())
    assert other.recv(1)


def test_time_that_is_over_does_not_hide_what_is_there(pair):
    one, other = pair
    for _ in range(3):  # so that it waits first
        received = gevent.spawn(one.recv, 10)
        gevent.sleep(0)
        other.sendall(b"x")
        assert received.get(timeout=5) == b"x"
    one.settimeout(1e-9)
    other.sendall(b"there")
    assert one.recv(10) == b"there"


def test_a_wrong_descriptor_is_refused():
    reading, writing = os.pipe()
    for wrong, error in ((reading, OSError), (-1, ValueError), ("x", TypeError), (1.5, TypeError)):
        with pytest.raises(error):
            socket.socket(fileno=wrong)
    os.close(reading)
    os.close(writing)


def test_options_can_be_numbers_or_bytes(listener):
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\2\0\0\0")
    assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == b"\1\0\0\0\2\0\0\0"
    with pytest.raises(OSError):
        listener.getsockopt(socket.SOL_SOCKET, 12345)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_whole_files_can_be_sent(kind, pair, tmp_path):
    one, other = pair
    data = os.urandom(2_000_000)
    path = tmp_path / "data"
    path.write_bytes(data)
    with open(path, "rb") if kind == "file" else io.BytesIO(data) as source:
        sending = gevent.spawn(one.sendfile, source, 10, 1_500_000)
        received = b""
        while len(received) < 1_500_000:
            received += other.recv(1_000_000)
        assert sending.get(timeout=5) == 1_500_000
        assert received == data[10:1_500_010] and source.tell() == 1_500_010


# ---- threads and processes -------------------------------------------------------------------------------------------


def _in_thread(function):
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(function()))
    thread.start()
    return thread, outcome


def test_a_socket_made_here_can_be_waited_for_in_another_thread(pair):
    one, other = pair
    with pytest.raises(BlockingIOError):
        one.recv(1, socket.MSG_DONTWAIT)
    _parked(one.recv, 1).kill()
    thread, outcome = _in_thread(lambda: one.recv(10))
    other.sendall(b"there")
    thread.join(10)
    assert outcome == [b"there"]
    other.sendall(b"here")
    assert one.recv(10) == b"here"


def test_closing_wakes_a_greenlet_of_another_thread():
    one, other = socket.socketpair()
    waits = threading.Event()

    def receive():
        waiting = gevent.spawn(one.recv, 1)
        gevent.sleep(0)
        waits.set()
        gevent.get_hub().NOT_ERROR += (OSError,)
        waiting.join(10)
        return waiting.exception

    thread, outcome = _in_thread(receive)
    assert waits.wait(10)
    one.close()
    thread.join(10)
    assert isinstance(outcome[0], socket.cancel_wait_ex)
    other.close()


def test_a_child_that_abandons_its_hub_goes_on_with_inherited_sockets():
    run_script("""
        import os
        import gevent
        from gevent import socket, _hub_local
        listener = socket.create_server(("127.0.0.1", 0))
        one, other = socket.socketpair()
        gevent.spawn(listener.accept)
        gevent.spawn(one.recv, 1)
        gevent.sleep(0)
        hub = one.hub
        child = os.fork()
        if child == 0:
            _hub_local.abandon_hub_after_fork()
            with gevent.Timeout(10):
                serving = gevent.spawn(listener.accept)
                client = socket.create_connection(listener.getsockname())
                accepted, _ = serving.get()
                answer = gevent.spawn(accepted.recv, 10)
                gevent.sleep(0)
                client.sendall(b"x")
                assert answer.get() == b"x"
                assert one.hub is not hub
                gevent.spawn_later(0.01, other.sendall, b"y")
                assert one.recv(1) == b"y"
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    """)


def test_native_methods_belong_to_the_class_of_the_sockets():
    # Not to a base: Python's interpreter has a shorter way to these.
    assert socket.socket.recv.__objclass__ is socket.socket
    assert ssl.SSLSocket.recv.__objclass__ is ssl.SSLSocket is not ssl.SSLSocket.close.__objclass__

    class Own(socket.socket):
        def recv(self, *_args):
            return b"its own"

    with Own() as own:
        assert own.recv(100) == b"its own" and own.recv_into.__self__ is own
