"""What workers of the process pools under test are asked to do. In a module of its own, which they can import."""

import os
import signal
import time

__all__ = [
    "DEADLINE_S",
    "big",
    "die",
    "exclaim",
    "fail",
    "fork_and_die",
    "leave",
    "length",
    "remember",
    "remember_unless",
    "remembered",
    "same",
    "sleep",
    "sleep_unless",
    "slow_whoami",
    "square",
    "square_or_die",
    "throw",
    "whoami",
]

DEADLINE_S = 60  # of a test

_remembered = []


def square(number):
    return number * number


def fail(text):
    raise ValueError(text)


def throw(kind):
    raise kind


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def fork_and_die(path):
    child = os.fork()
    if not child:
        time.sleep(1000)
        os._exit(0)
    with open(path, "w") as file:
        file.write(str(child))
    die()


def leave(status):
    os._exit(status)


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def sleep_unless(value, unlucky):
    if value == unlucky:
        raise ValueError(f"unlucky {value}")
    return sleep(1)


def whoami(_=None):
    return os.getpid()


def remember(value):
    _remembered.append(value)


def remembered():
    return _remembered


def remember_unless(value, unlucky):
    if value == unlucky:
        raise ValueError(f"unlucky {value}")
    remember(value)


def square_or_die(number, unlucky):
    if number == unlucky:
        die()
    return square(number)


def slow_whoami(_):
    return sleep(0.02) and whoami()


def exclaim():
    raise Unreadable("cannot be read again", 1)


class Unreadable(Exception):
    def __init__(self, text, number):
        super().__init__(text)


def length(data, **named):
    return type(data).__name__, len(data), {name: len(value) for name, value in named.items()}


def same(value):
    return value


def big(size):
    return b"x" * size
