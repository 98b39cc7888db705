"""Each noun of the bridge has a C++ test: one that includes its header, by which a reader finds it."""

import pytest
from tree import ROOT, files, includes, names

HEADERS = [name.removeprefix("cpp/") for name in names(files("cpp/python", ".h"))]
# What no test includes by itself, and why.
WITHOUT = {
    "python/object/greenlet_api.h": "greenlet's functions by their own names",
    "python/object/greenlet_object.h": "greenlet's own header",
}
TESTED = {name for path in files("tests/cpp/python", "_test.cc") for _, name in includes(path)}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_has_a_test(header):
    assert (header in TESTED) != (header in WITHOUT), f"{header}: no file of tests/cpp/python includes it"


def test_whatever_needs_no_test_is_there():
    assert all((ROOT / "cpp" / header).exists() for header in WITHOUT)
