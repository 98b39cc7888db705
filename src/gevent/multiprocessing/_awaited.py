"""Parts that change one module each, and are imported when that is: else each fork would copy what nobody uses.

The imports are written out, because who makes one file of a program looks for such.
"""

__all__ = ["changes_of_forkserver", "changes_of_managers", "changes_of_queues"]


def changes_of_forkserver(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that its fork server is waited for aside."""

    def of_server(module):
        from gevent.multiprocessing._forkserver import changes_of_server

        return changes_of_server(module)

    def of_client(module):
        from gevent.multiprocessing._forkserver import changes_of_client

        return changes_of_client(module)

    yield from mp.changes_when_imported("forkserver", of_server)
    yield from mp.changes_when_imported("popen_forkserver", of_client)


def changes_of_managers(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that greenlets share connections to managers."""

    def of_managers(module):
        from gevent.multiprocessing._managers import changes

        return changes(mp, module)

    return mp.changes_when_imported("managers", of_managers)


def changes_of_queues(mp):
    """Yield (owner, name, value) for each attribute of `mp` so that its queues survive interruptions."""

    def of_queues(module):
        from gevent.multiprocessing._queues import changes

        return changes(module)

    return mp.changes_when_imported("queues", of_queues)
