"""Whoever installs or removes gevent's own distribution beside gevent-mp, `import gevent` is ours or nobody's.

Each situation is a virtual environment of its own with real wheels: ours, built from this tree, and those of gevent,
locust, celery, gunicorn and geventhttpclient, downloaded once into build/. Minutes long: only for `make test-all`.
"""

import pytest
from environments import (
    CLIENTS,
    DEADLINE_S,
    GEVENT,
    MP_VERSION,
    OLD,
    OLDER,
    OURS,
    Environment,
    mending_line,
    quoted,
    run,
)

pytestmark = pytest.mark.timeout(2 * DEADLINE_S)

OURS_AFTER = {
    "ours alone": ["install gevent-mp"],
    "ours, then those that require gevent": ["install gevent-mp", f"install {quoted(*CLIENTS)}"],
    "those that require gevent, then ours": [f"install {quoted(*CLIENTS)}", "install gevent-mp"],
    "both in one command": [f"install gevent-mp {quoted(*CLIENTS)}"],
    "both in one command, the other order": [f"install {quoted(*CLIENTS)} gevent-mp"],
    "gevent by name after ours": ["install gevent-mp", f"install {GEVENT}"],
    "gevent by name before ours": [f"install {GEVENT}", "install gevent-mp"],
    "gevent upgraded": ["install gevent-mp", "install -U gevent"],
    "both upgraded": ["install gevent-mp gevent", "install -U gevent-mp gevent"],
    "a client upgraded eagerly": ["install gevent-mp locust", "install -U --upgrade-strategy eager locust"],
    "an older gevent by name": ["install gevent-mp", f"install {OLDER}"],
    "a gevent older than that which ours stands for": ["install gevent-mp", f"install '{OLD}'"],
    "an older gevent, then ours": [f"install {OLDER}", "install gevent-mp"],
    "an older gevent, ours, then gevent upgraded": [f"install {OLDER}", "install gevent-mp", "install -U gevent"],
    "gevent uninstalled": ["install gevent-mp", "uninstall -y gevent"],
    "both, then gevent uninstalled": ["install gevent-mp locust", "uninstall -y gevent"],
    "both, then gevent uninstalled twice": ["install gevent-mp locust", "uninstall -y gevent", "uninstall -y gevent"],
    "gevent, then ours, then gevent uninstalled": ["install gevent", "install gevent-mp", "uninstall -y gevent"],
    "gevent's files by force": ["install gevent-mp", f"install --no-deps --force-reinstall {GEVENT}"],
    "gevent's files by force, uninstalled": [
        "install gevent-mp",
        f"install --no-deps --force-reinstall {GEVENT}",
        "uninstall -y gevent",
    ],
    "gevent by force, with what it requires": ["install gevent-mp", "install --force-reinstall gevent"],
    "ours without what it requires": ["install --no-deps gevent-mp", "install locust"],
    "gevent without what it requires": ["install gevent-mp", f"install --no-deps {GEVENT}"],
    "ours again": ["install gevent-mp locust", "install --force-reinstall --no-deps gevent-mp"],
    "ours uninstalled and installed": ["install gevent-mp locust", "uninstall -y gevent-mp", "install gevent-mp"],
    "ours upgraded": ["install gevent-mp", "install -U gevent-mp"],
}


@pytest.mark.parametrize("situation", OURS_AFTER)
def test_gevent_is_ours_and_works_after(environment, situation):
    said = [environment.do(step) for step in OURS_AFTER[situation]]
    found = environment.probe()
    assert {**found, **OURS} == found, said
    status, report = environment.doctor()
    assert (status, report["problems"], report["owner"]["is"]) == (0, [], "gevent-mp")
    if environment.tool != "uv" and "older" not in situation:
        run("pip check", environment.folder, environment.variables)


@pytest.mark.parametrize(
    "lines", [["gevent-mp", GEVENT], [GEVENT, "gevent-mp"], ["locust", GEVENT, "gevent-mp"]], ids=str
)
def test_a_file_of_requirements_with_pins(environment, lines, tmp_path):
    (tmp_path / "requirements.txt").write_text("\n".join(lines))
    environment.do(f"install -r {tmp_path / 'requirements.txt'}")
    found = environment.probe()
    assert {**found, **OURS} == found


@pytest.mark.parametrize("pin", [GEVENT, OLDER])
def test_a_file_of_constraints(environment, pin, tmp_path):
    (tmp_path / "constraints.txt").write_text(pin)
    environment.do(f"install -c {tmp_path / 'constraints.txt'} gevent-mp locust")
    found = environment.probe()
    assert {**found, **OURS} == found


def test_uninstalling_ours_leaves_theirs_whole(environment):
    environment.do(f"install gevent-mp {GEVENT}")
    environment.do("uninstall -y gevent-mp")
    assert environment.probe()["gevent"] == "theirs"


def test_uninstalling_both_leaves_nothing(environment):
    environment.do(f"install gevent-mp {GEVENT}")
    environment.do("uninstall -y gevent-mp")
    environment.do("uninstall -y gevent")
    assert environment.probe() == {"gevent": None, "error": "No module named 'gevent'"}


def test_the_repair_removes_what_gevents_own_distribution_left(environment):
    environment.do(f"install gevent-mp {GEVENT}")
    assert (environment.site / "gevent" / "hub.py").exists()
    environment.type(f"{environment.python} -m gevent_mp.repair")
    assert [each.name for each in (environment.site / "gevent").iterdir()] == [front(environment)]
    assert [each.name for each in environment.site.glob("gevent-*.dist-info")] == [
        f"gevent-26.9.0+mp{MP_VERSION}.dist-info"
    ]
    assert environment.doctor()[1]["notes"] == []


def front(environment):
    (found,) = (environment.site / "gevent").glob("__init__.*")
    return found.name


def test_a_damaged_installation_says_the_line_that_mends_it(environment):
    environment.do("install gevent-mp")
    (environment.site / "gevent_mp" / "tree" / "gevent" / "hub" / "__init__.py").unlink()
    status, report = environment.doctor()
    assert status == 1
    environment.type(report["problems"][0]["mend"])
    assert environment.doctor()[0] == 0


def test_files_of_theirs_copied_into_our_tree_are_refused_with_a_line_that_mends_it(environment, wheels, tmp_path):
    environment.do("install gevent-mp")
    run(["unzip", "-q", *wheels.glob("gevent-26.9.0-*.whl"), "-d", tmp_path / "theirs"], tmp_path, None)
    tree = environment.site / "gevent_mp" / "tree" / "gevent"
    # uv's files are links to what it keeps for all environments: they are replaced, not written into.
    run(["cp", "-r", "--remove-destination", f"{tmp_path / 'theirs' / 'gevent'}/.", tree], tmp_path, None)
    environment.type(mending_line(environment.probe()["error"]))
    found = environment.probe()
    assert {**found, **OURS} == found
    environment.type(f"{environment.python} -m gevent_mp.repair")
    assert not (tree / "_ffi").exists()


def test_the_stub_brings_ours_wherever_gevent_is_required(environment, tmp_path, wheels):
    environment.do("install gevent-mp")
    run([environment.python, "-m", "gevent_mp.stub", tmp_path / "stub"], tmp_path, environment.variables)
    (stub,) = (tmp_path / "stub").glob("gevent-26.9.0+mp*-py3-none-any.whl")
    other = Environment(environment.tool, tmp_path / "other", wheels)
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"gevent=={stub.name.split('-')[1]}\n")
    other.do(f"install --find-links {wheels} --find-links {stub.parent} -c {constraints} {quoted(*CLIENTS)}")
    found = other.probe()
    assert {**found, **OURS} == found
