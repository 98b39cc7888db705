"""What belongs to the distribution gevent-mp and not to the package gevent: finding it, watching over it, mending it.

A wheel of gevent-mp shares no file with gevent's own. Its ``gevent`` lies in ``gevent_mp/tree``, which a line in
``gevent-mp.pth`` puts in front of site-packages; so installing, upgrading or removing the distribution named ``gevent``
touches no file of ours, removing ours none of theirs, and ``import gevent`` is ours as long as ours is installed. Where
``.pth`` files are not read (a folder on PYTHONPATH), ``gevent.py`` leads to the same tree.

``python -m gevent_mp.doctor`` says what is installed and what is wrong, ``gevent_mp.repair`` removes what gevent's own
distribution left, ``gevent_mp.stub`` writes the distribution of metadata alone that private indexes may want.
Nothing here imports gevent unless it is asked to.
"""

__all__ = []
