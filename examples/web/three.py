"""The same for `python -m gevent serve`: workers answer, each has a pool that computes.

python -m gevent serve three:make_app --factory --processes 2 --metrics 127.0.0.1:9090
"""

import atexit

from two import Application

from gevent.processpool import ProcessPool


def make_app():
    pool = ProcessPool(1)
    atexit.register(pool.kill)
    return Application(pool)
