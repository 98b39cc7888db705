"""Workflows do what they should and nothing else: pinned actions, few rights, deadlines; only tags publish."""

import re

import pytest
import yaml
from tree import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"^\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request):
    return request.param


def test_there_are_workflows():
    assert {path.name for path in WORKFLOWS} >= {"tests.yml", "wheels.yml"}


def test_each_action_is_pinned_to_a_commit_whose_release_is_named(workflow):
    used = [line for line in workflow.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert [line for line in used if not PINNED.match(line)] == []


def test_nothing_may_write_but_what_attests_and_publishes(workflow):
    parsed = read(workflow)
    assert parsed["permissions"] == {"contents": "read"}
    for name, job in parsed["jobs"].items():
        written = {what for what, right in job.get("permissions", {}).items() if right == "write"}
        assert written <= ({"id-token", "attestations"} if name == "publish" else set())


def test_each_job_has_a_deadline_and_leaves_no_credentials(workflow):
    for job in read(workflow)["jobs"].values():
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_what_a_workflow_runs_from_this_tree_is_there(workflow):
    words = re.findall(r"(?:tools|tests|examples|\.ci)/[\w./]+", workflow.read_text(encoding="utf-8"))
    assert [word for word in words if not (ROOT / word).exists()] == []


def test_only_a_tag_publishes_and_only_what_was_tested():
    publish = read(ROOT / ".github" / "workflows" / "wheels.yml")["jobs"]["publish"]
    assert publish["if"] == "github.event_name == 'push' && startsWith(github.ref, 'refs/tags/v')"
    assert set(publish["needs"]) == {"sdist", "wheels", "suite"}
    uses = [step["uses"].partition("@")[0] for step in publish["steps"]]
    assert uses == ["actions/download-artifact", "actions/attest-build-provenance", "pypa/gh-action-pypi-publish"]


def test_each_system_of_the_configuration_has_a_runner():
    matrix = read(ROOT / ".github" / "workflows" / "wheels.yml")["jobs"]["wheels"]["strategy"]["matrix"]["include"]
    systems = {(kind, machine) for kind in ("manylinux", "musllinux") for machine in ("x86_64", "aarch64")}
    systems |= {("macos", "arm64"), ("macos", "x86_64")}
    assert {tuple(row["system"].split("-")) for row in matrix} == systems
