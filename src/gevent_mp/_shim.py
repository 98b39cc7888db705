"""gevent, which gevent-mp has in a folder of its own.

Read only where ``.pth`` files are not: they put that folder in front of this one. In a wheel this is ``gevent.py``.
"""

from gevent_mp._lead import become_gevent

if __name__ == "gevent":
    become_gevent()
