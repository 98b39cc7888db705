"""What gevent's suite loses here, and what `differences.toml` says of it; tools/suite_of_wheel.py asks too."""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    try:
        import tomli as tomllib
    except ImportError:  # suite_of_wheel.py's interpreter has pip and may have nothing else
        from pip._vendor import tomli as tomllib

__all__ = ["SHORT", "differences", "entries", "losses"]

SHORT = "py{}{}".format(*sys.version_info[:2])


def entries():
    """-> all entries of `differences.toml`."""
    with open(Path(__file__).with_name("differences.toml"), "rb") as source:
        return tomllib.load(source).get("difference", [])


def differences(run):
    """-> {(file, test): entry} of the entries which concern `run` on this interpreter.

    `only` limits an entry to runs that have all of its words: a suite, a loop, a resolver, an interpreter ("py312").
    """
    return {(entry["file"], entry["test"]): entry for entry in entries() if set(entry.get("only", [])) <= {*run, SHORT}}


def losses(results):
    """-> {(file, test): how it ended} of the tests that were lost, which `run_upstream.py` has left in `results`."""
    lines = (results / "losses.tsv").read_text().splitlines()[1:]
    return {tuple(line.split("\t")[:2]): " ".join(line.split("\t")[2:]) for line in lines}
