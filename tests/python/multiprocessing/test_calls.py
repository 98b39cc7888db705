"""The table in docs/multiprocessing.rst says of each call what it does."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from calls import CALLS, WORLDS, title_of, verdict

TABLE = Path(__file__).resolve().parents[3] / "docs" / "multiprocessing_calls.txt"


def rows():
    """-> {the call's names as in the page: [how it waits, world by world]}."""
    cells = re.split(r"^ {3}\* - ", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE)[2:]
    lines = [cell.strip().split("\n     - ") for cell in cells]
    return {first: rest for first, *rest in lines}


def test_the_table_has_each_call():
    assert sorted(rows()) == sorted(title_of(names) for _, names, _ in CALLS.values())


@pytest.mark.parametrize("world", ["patched", "green"])
def test_each_call_waits_as_the_table_says(world):
    told = rows()
    column = list(WORLDS).index(world)
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(lambda name: verdict(world, name), CALLS))
    wrong = []
    for (_, names, _), how in zip(CALLS.values(), found):
        if told[title_of(names)][column] != how:
            wrong.append((names[0], how))
    assert wrong == []
