# cython: language_level=3
"""gevent, which gevent-mp has in a folder of its own: ``_shim.py`` as a native module.

In a wheel this is ``gevent/__init__.SUFFIX``. Python prefers that to the ``gevent/__init__.py`` of gevent's own
distribution, which it may share the folder with, and the two have no path in common that either's removal would take.
"""
from gevent_mp._lead import become_gevent

become_gevent()
