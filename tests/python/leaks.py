"""What a piece of code leaves behind."""

import gc
import sys

__all__ = ["blocks_left_by"]


def blocks_left_by(use):
    """Call `use()` twice; return how many more blocks of memory are allocated after the second call than before it."""
    use()
    gc.collect()
    before = sys.getallocatedblocks()
    use()
    gc.collect()
    return sys.getallocatedblocks() - before
