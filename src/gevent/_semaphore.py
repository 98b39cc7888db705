"""Semaphores, under the name by which gevent knows their module. Use `gevent.lock`."""

from gevent._native.semaphore import BoundedSemaphore, Semaphore

__all__ = ["BoundedSemaphore", "Semaphore"]
