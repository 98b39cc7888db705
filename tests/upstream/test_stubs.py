"""types-gevent describes us as well as it describes gevent, but for what `stub_differences.toml` gives a reason for.

types-gevent are the type stubs that editors and type checkers use for gevent, written by others. `mypy.stubtest` finds
where they are not what is there; where they are wrong about gevent itself is in `reference/stubs.tsv`.
"""

import fnmatch
import importlib
import sys
from pathlib import Path

import pytest
from stub_surface import stub_differences

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
# Elsewhere a listed difference may be none, as some depend on the interpreter.
AS_REFERENCE = sys.version_info[:2] == (3, 11) and sys.platform == "linux"


def listed_differences():
    """-> [(pattern of objects, patterns of what is wrong)] of `stub_differences.toml`."""
    with open(HERE / "stub_differences.toml", "rb") as source:
        entries = tomllib.load(source)["difference"]
    for entry in entries:
        assert set(entry) == {"objects", "what", "reason"} and len(entry["reason"]) > 20, entry
    return [(pattern, entry["what"]) for entry in entries for pattern in entry["objects"]]


def is_newer(difference):
    """Whether it is a newer standard library's name, which gevent's module of that name takes over, as ours does."""
    name, what = difference
    package, _, module = name.rpartition(".")[0].partition(".")
    if AS_REFERENCE or what != "extra" or package != "gevent" or module not in sys.stdlib_module_names:
        return False
    return hasattr(importlib.import_module(module), name.rpartition(".")[2])


def is_match(difference, entry):
    name, what = difference
    return fnmatch.fnmatchcase(name, entry[0]) and any(fnmatch.fnmatchcase(what, each) for each in entry[1])


@pytest.mark.timeout(120)
def test_type_stubs_of_gevent_are_as_right_here(capsys):
    known = {tuple(line.split("\t")) for line in (HERE / "reference" / "stubs.tsv").read_text().splitlines()}
    found = stub_differences()
    listed = listed_differences()
    ours = sorted(each for each in found - known if not is_newer(each))
    with capsys.disabled():
        print(f"\nstubtest: {len(found)} differences, {len(found & known)} of them gevent's own, {len(ours)} ours")
    unlisted = ["\t".join(each) for each in ours if not any(is_match(each, entry) for entry in listed)]
    healed = [entry for entry in listed if not any(is_match(each, entry) for each in ours)]
    assert not unlisted, "not as types-gevent says, and not in stub_differences.toml:\n" + "\n".join(unlisted)
    assert not healed or not AS_REFERENCE, f"in stub_differences.toml, and not (any more) so:\n{healed}"
