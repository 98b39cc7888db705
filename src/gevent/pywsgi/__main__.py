"""``python -m gevent.pywsgi``: serves the application that the command line names."""

from gevent.pywsgi import _main

__all__ = ()

_main()
