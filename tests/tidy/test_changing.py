"""docs/changing.rst, which says where to change what, names only what there is."""

import re

import pytest
from tree import ROOT

PAGE = (ROOT / "docs" / "changing.rst").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8")
PATH = re.compile(r"``([\w.]+(?:/[\w.]*)+|[\w.]+\.(?:txt|toml|rst))``")


@pytest.mark.parametrize("path", sorted({*PATH.findall(PAGE), *PATH.findall(CONTRIBUTING)}))
def test_a_path_that_a_newcomer_is_sent_to_exists(path):
    assert (ROOT / path).exists()


def test_seventeen_kinds_of_changes_are_told():
    assert len(re.findall(r"^(?!Every|What to|\()\S.*\n    \S", PAGE, re.MULTILINE)) == 17
