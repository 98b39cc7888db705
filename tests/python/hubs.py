"""Calling what a test is about from where nobody may wait."""

import gevent

__all__ = ["in_hub"]


def in_hub(function, *arguments):
    """Call `function` in the hub; return its result or its exception."""
    outcome = []

    def callback():
        try:
            outcome.append(function(*arguments))
        except Exception as error:
            outcome.append(error)

    gevent.get_hub().loop.run_callback(callback)
    gevent.sleep(0)
    return outcome[0]
