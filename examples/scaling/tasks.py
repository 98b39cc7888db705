"""Tasks that wait, and one that waits for many things at a time."""

import os

from celery import Celery
from celery.signals import worker_process_init

import gevent
from gevent.pool import Pool

app = Celery("tasks", broker=os.environ.get("BROKER", "redis://localhost:6379/0"))
app.conf.result_backend = app.conf.broker_url


@app.task
def wait(seconds):
    """Stands for a request to somewhere else."""
    gevent.sleep(seconds)
    return os.getpid()


@app.task
def wait_for_many(seconds, number):
    """In a process of the prefork pool: many greenlets for one task."""
    return list(Pool(100).imap(lambda _: wait(seconds), range(number)))


@worker_process_init.connect
def patch(**_):
    """Only in processes of the prefork pool: -P gevent has patched long before."""
    from gevent import monkey

    monkey.patch_all()
