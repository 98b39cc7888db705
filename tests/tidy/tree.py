"""What the tidy tests share: which files there are, and what a C++ file includes."""

import re
from pathlib import Path

__all__ = ["ROOT", "files", "includes", "names"]

ROOT = Path(__file__).resolve().parents[2]
# Made by builds, and never anybody's to tidy.
_MADE = {"build", "dist", "__pycache__", ".git"}
_INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


def files(folder, *suffixes):
    """Return the source files below `folder` (a path from the root) whose names end in one of `suffixes`, sorted."""
    found = []
    for path in sorted((ROOT / folder).rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and path.name.endswith(suffixes):
            if not any(part in _MADE or part.startswith(".venv") or part.endswith(".egg-info") for part in parts):
                found.append(path)
    return found


def includes(path):
    """Return the (quote, name) of every include of a C++ file; quote is '"' or '<'."""
    return _INCLUDE.findall(path.read_text(encoding="utf-8"))


def names(paths):
    """Return `paths` as strings from the root, for messages and test ids."""
    return [str(path.relative_to(ROOT)) for path in paths]
