"""A folder's table is complete: what lies in the folder stands in it, and what stands in it lies in the folder."""

import re

import pytest
from tree import ROOT

FOLDERS = sorted(str(path.parent.relative_to(ROOT)) for path in (ROOT / "cpp" / "python").rglob("README.md"))
SPELLED = re.compile(r"^(.+)\.\{(\w+(?:,\w+)*)\}$")


def rows(text):
    """The first column of each row of a README's table, each name spelled out."""
    for name in re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE):
        found = SPELLED.match(name)
        yield from (f"{found.group(1)}.{suffix}" for suffix in found.group(2).split(",")) if found else [name]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_table_of_a_folder_of_the_bridge_names_each_file_and_nothing_else(folder):
    told = sorted(rows((ROOT / folder / "README.md").read_text(encoding="utf-8")))
    there = [path.name + "/" * path.is_dir() for path in (ROOT / folder).iterdir() if path.name != "README.md"]
    assert told == sorted(there)
