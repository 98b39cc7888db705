"""The name of the standard library's `multiprocessing`, for those who must not import more."""

__all__ = ["STDLIB_NAME"]

STDLIB_NAME = "multiprocessing"
