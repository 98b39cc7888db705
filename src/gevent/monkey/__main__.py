"""``python -m gevent.monkey``: see `gevent.monkey.main`."""

from gevent.monkey import main

__all__ = []

if __name__ == "__main__":
    main()
