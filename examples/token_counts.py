"""The work of the demo: count the names in Python source files.

A module of its own, without gevent, because the processes that do the work import it.
"""

import collections
import io
import os
import tokenize

__all__ = ["count_names", "count_worker"]


def count_names(path):
    """Return (path, {name: occurrences}) for one source file; an empty count for one that is not valid Python."""
    counts = collections.Counter()
    with open(path, "rb") as source:
        data = source.read()
    try:
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            if token.type == tokenize.NAME:
                counts[token.string] += 1
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError, ValueError):
        # The library's own tests hold files that are broken on purpose. Half a count would depend on the reader.
        counts.clear()
    return path, dict(counts)


def count_worker(tasks, results, niceness):
    """Count what comes through the queue `tasks` into the queue `results`, until None comes."""
    os.nice(niceness)
    while (path := tasks.get()) is not None:
        results.put(count_names(path))
