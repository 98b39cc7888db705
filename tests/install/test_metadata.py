"""Extras and entry points are gevent's, name by name, in gevent-mp and in what it plants in gevent's name."""

import re
import zipfile
from configparser import ConfigParser
from email.parser import Parser

import pytest
from environments import DEADLINE_S, metadata_of

pytestmark = pytest.mark.timeout(2 * DEADLINE_S)  # the first test of the folder waits for the wheels

#: What gevent asks for and gevent-mp does not, with the reason.
NOT_ASKED_FOR = {
    "cffi": "gevent's loops are cffi modules on some systems; ours are not",
    "idna": "for Pythons older than 3.10",
    "coverage": "only gevent's own test runner uses it",
    "repoze.sphinx.autointerface": "for gevent's own pages",
    "sphinxcontrib-programoutput": "for gevent's own pages",
    "zope.schema": "for gevent's own pages",
}


@pytest.fixture(scope="module")
def theirs(wheels):
    (found,) = wheels.glob("gevent-26.9.0-*.whl")
    return found


@pytest.fixture(scope="module")
def ours(wheels):
    (found,) = wheels.glob("gevent_mp-*.whl")
    return found


def planted(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if ".data/" in each and each.endswith("/METADATA"))
        return archive.read(name).decode()


def requirements(text):
    """Return {extra or "": {names of distributions}}; a requirement for Pythons that are not supported is left out."""
    message = Parser().parsestr(text)
    found = {extra: set() for extra in ["", *message.get_all("Provides-Extra", [])]}
    for each in message.get_all("Requires-Dist", []):
        name = re.match(r"[\w.-]+", each).group()
        extra = re.search(r"""extra == ["'](\w+)["']""", each)
        if 'python_version < "3.10"' not in each and 'sys_platform == "win32"' not in each:
            found[extra.group(1) if extra else ""].add(name)
    return found


@pytest.mark.parametrize("of", [lambda wheel: metadata_of(wheel, "METADATA"), planted], ids=["gevent-mp", "gevent"])
def test_every_extra_of_gevents_is_there_and_brings_what_gevents_brings(ours, theirs, of):
    mine, wanted = requirements(of(ours)), requirements(metadata_of(theirs, "METADATA"))
    missing = {extra: names - mine[extra] - set(NOT_ASKED_FOR) for extra, names in wanted.items()}
    assert not any(missing.values()), missing


def test_each_reason_for_what_is_not_asked_for_is_needed(theirs):
    asked = Parser().parsestr(metadata_of(theirs, "METADATA")).get_all("Requires-Dist")
    assert set(NOT_ASKED_FOR) <= {re.match(r"[\w.-]+", each).group() for each in asked}


def entry_points(wheel):
    parser = ConfigParser(delimiters=("=",))
    parser.optionxform = str
    parser.read_string(metadata_of(wheel, "entry_points.txt"))
    return {(group, name): reference for group in parser.sections() for name, reference in parser[group].items()}


def test_every_entry_point_of_gevents_is_there(ours, theirs):
    mine, wanted = entry_points(ours), entry_points(theirs)
    assert {point: mine.get(point) for point in wanted} == wanted


def test_the_python_that_gevent_requires_is_enough(ours, theirs):
    wanted = Parser().parsestr(metadata_of(theirs, "METADATA"))["Requires-Python"]
    assert Parser().parsestr(metadata_of(ours, "METADATA"))["Requires-Python"] == wanted
    assert Parser().parsestr(planted(ours))["Requires-Python"] == wanted
