from collections.abc import Sequence
from pathlib import Path

from _typeshed import StrPath

__all__ = ["main", "write_stub"]

def write_stub(directory: StrPath) -> Path: ...
def main(arguments: Sequence[str] | None = None) -> int: ...
