"""Where gevent's own suite, and what prints a class's module, expects semaphores. Use `gevent.lock`."""

from gevent._native.semaphore import BoundedSemaphore, Semaphore

__all__ = ["BoundedSemaphore", "Semaphore"]
