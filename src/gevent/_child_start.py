"""How a spawned child, and the fork server, become what their parent is: called first of all, by what
gevent/multiprocessing/_bootstrap.py puts on their command lines.

Only what patching needs is imported.
"""

from gevent._held_signals import INTERRUPT, hold
from gevent.events import _entry_points

__all__ = ["start"]


def start(settings, patches, package_name, serves=False, plugins=None):
    """In a new process: take over the parent's settings and patches. Again does nothing.

    :param settings: Values for `gevent.config`, by name.
    :param patches: Arguments for `gevent.monkey.patch_all`, or None for a process that patches nothing.
    :param package_name: Which package starts the children: ``multiprocessing``, or gevent's copy.
    :param serves: Whether this process is going to be a fork server.
    :param plugins: What the parent knows of installed plugins, so that the child need not search for them.
    """
    # Who is interrupted before it is whole may not end: it is interrupted a moment later.
    with hold(INTERRUPT):
        _start(settings, patches, package_name, serves, plugins)


def _start(settings, patches, package_name, serves, plugins):
    from gevent._config import config

    for name, value in settings.items():
        config.set(name, value)
    if plugins is not None:
        _entry_points.set_references(plugins)
    if patches is not None:
        from gevent import monkey
        from gevent.monkey._postponed import Postponing

        # What the child forks shall be patched once, in the server.
        if serves:
            monkey.patch_all(**patches)
        else:
            with Postponing():
                monkey.patch_all(**patches)
            if package_name == "multiprocessing":
                from gevent.multiprocessing._light_start import import_what_children_run

                import_what_children_run()
    if serves:
        from gevent.multiprocessing._forkserver import become_server

        become_server(_package(package_name))


def _package(name):
    if name == "multiprocessing":
        from gevent.multiprocessing import _patch

        return _patch.package
    from gevent.multiprocessing import _copy

    return _copy.package
