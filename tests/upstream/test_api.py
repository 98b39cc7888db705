"""Every name, member and signature of gevent's API is here, but for what `api_differences.toml` gives a reason for.

gevent's own API is in `reference/api.tsv`, as `api_surface.py --dump` wrote it down on Python 3.11 and Linux. Elsewhere
some of the standard library's names, which gevent hands on, are others: there only missing names count, and only those
that the interpreter's own module has.
"""

import fnmatch
import importlib
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
REFERENCE = HERE / "reference" / "api.tsv"
AS_REFERENCE = sys.version_info[:2] == (3, 11) and sys.platform == "linux"


def listed_differences():
    """-> [(pattern, what is wrong)] of `api_differences.toml`."""
    with open(HERE / "api_differences.toml", "rb") as source:
        entries = tomllib.load(source)["difference"]
    for entry in entries:
        assert set(entry) == {"names", "what", "reason"} and len(entry["reason"]) > 20, entry
    return [(pattern, entry["what"]) for entry in entries for pattern in entry["names"]]


def is_absent_from_the_standard_library(path):
    """Whether gevent hands such a name on from a module which, in this interpreter, does not have it."""
    module, _, name = path.partition(":")
    try:
        original = importlib.import_module(module.partition(".")[2])
    except (ImportError, ValueError):
        return False
    return not hasattr(original, name.partition(".")[0])


def found_differences():
    """-> ([(path, what is wrong, there, here)], the lines that count)"""
    done = subprocess.run(
        [sys.executable, str(HERE / "api_surface.py"), "--compare", str(REFERENCE)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    faults = [tuple(line.split("\t")) for line in lines if not line.startswith("#")]
    if not AS_REFERENCE:
        faults = [f for f in faults if f[1] == "missing" and not is_absent_from_the_standard_library(f[0])]
    return faults, [line for line in lines if line.startswith("#")]


def test_the_api_is_gevents(capsys):
    faults, counts = found_differences()
    listed = listed_differences()

    def is_match(fault, entry):
        return fault[1] == entry[1] and fnmatch.fnmatchcase(fault[0], entry[0])

    with capsys.disabled():
        print("\n" + "\n".join(counts))
    unlisted = ["\t".join(fault) for fault in faults if not any(is_match(fault, entry) for entry in listed)]
    healed = [
        f"{pattern} ({what})" for pattern, what in listed if not any(is_match(f, (pattern, what)) for f in faults)
    ]
    assert not unlisted, "not as in gevent, and not in api_differences.toml:\n" + "\n".join(unlisted)
    assert not healed or not AS_REFERENCE, "in api_differences.toml, and not (any more) so:\n" + "\n".join(healed)
