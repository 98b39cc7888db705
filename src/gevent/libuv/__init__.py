"""The event loop on libuv, which ``GEVENT_LOOP=libuv`` chooses: the same binding as libev's over another engine."""

__all__ = []
