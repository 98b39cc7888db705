"""A `multiprocessing` that waits by letting other greenlets run."""

__all__ = []
