"""The event loop on libev. `corecext` is gevent's name for the module with the loop; ours has no cffi twin."""

__all__ = []
