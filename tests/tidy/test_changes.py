"""What users are told of changes can be gathered: towncrier reads every file in docs/changes, and no other."""

import re
import subprocess
import sys

from tree import ROOT

FOLDER = ROOT / "docs" / "changes"
FRAGMENTS = sorted(path.name for path in FOLDER.iterdir() if path.name not in ("README.md", "template.rst"))
NAME = re.compile(r"\d+(\.[a-z][a-z-]*)?\.(feature|bugfix|removal|doc)\.rst")


def test_a_change_is_called_by_its_issue_and_its_kind():
    for name in FRAGMENTS:
        assert NAME.fullmatch(name), f"docs/changes/{name}: <issue>.<topic>.<feature|bugfix|removal|doc>.rst"
        assert (FOLDER / name).read_text(encoding="utf-8").strip(), name


def test_a_release_would_tell_all_of_them():
    done = subprocess.run(
        [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9.9", "--date", "2000-01-01"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("9.9.9 (2000-01-01)\n==================\n")
    told = re.sub(r"\s+", " ", done.stdout)
    for name in FRAGMENTS:
        assert re.sub(r"\s+", " ", (FOLDER / name).read_text(encoding="utf-8")).strip() in told, name


def test_what_was_released_has_its_place():
    page = (ROOT / "CHANGES.rst").read_text(encoding="utf-8")
    assert page.count("\n.. towncrier: releases below\n") == 1
