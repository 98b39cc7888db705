"""A folder's table is complete: what lies in the folder stands in it, and what stands in it lies in the folder."""

import re

import pytest
from tree import ROOT

FOLDERS = sorted(str(path.parent.relative_to(ROOT)) for path in (ROOT / "cpp" / "python").rglob("README.md"))
FOLDERS += ["cpp", "src/gevent", "tools"]
FOLDERS += [f"src/gevent/{name}" for name in ("events", "fileobject", "hub", "monkey", "pywsgi", "threadpool")]
FOLDERS += [f"src/gevent/{name}" for name in ("processpool", "serve", "supervisor", "top")]
# Their tables are of headers: a `.cc` of the same name belongs to one.
CORE = sorted(path.parent.name for path in (ROOT / "cpp").glob("*/README.md") if path.parent.name != "python")
SPELLED = re.compile(r"^(.+)\.\{(\w+(?:,\w+)*)\}$")


def rows(text):
    """The names in the first column of a README's table, each spelled out."""
    for cell in re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", cell):
            found = SPELLED.match(name)
            yield from (f"{found.group(1)}.{suffix}" for suffix in found.group(2).split(",")) if found else [name]


@pytest.mark.parametrize("folder", CORE)
def test_the_table_of_a_folder_of_the_core_names_each_header(folder):
    told = set(rows((ROOT / "cpp" / folder / "README.md").read_text(encoding="utf-8")))
    there = {path.name for path in (ROOT / "cpp" / folder).glob("*.h")}
    assert {name for name in told if name.endswith(".h")} == there


def lies_there(path):
    if path.suffix == ".pyi" and path.with_suffix(".py").exists():
        return False  # a module's types
    return path.name not in {"README.md", "__pycache__", "py.typed"} and not path.name.startswith(".")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_table_of_a_folder_names_each_file_and_nothing_else(folder):
    told = sorted(rows((ROOT / folder / "README.md").read_text(encoding="utf-8")))
    there = [path.name + "/" * path.is_dir() for path in (ROOT / folder).iterdir() if lies_there(path)]
    assert told == sorted(there)
