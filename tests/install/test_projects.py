"""Projects whose tool decides alone what is installed: uv's sync, add and run, and pip sync."""

import sys

import pytest
from environments import CLIENTS, DEADLINE_S, GEVENT, MP_VERSION, OURS, PROBE, Environment, mending_line, quoted, run

pytestmark = pytest.mark.timeout(2 * DEADLINE_S)


THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Project:
    """A project of uv's, with an environment of its own."""

    def __init__(self, folder, environment, *dependencies, more=""):
        folder.mkdir()
        names = ", ".join(f'"{name}"' for name in dependencies)
        # A lock is for all systems otherwise, whose wheels are not here.
        here = f"sys_platform == '{sys.platform}' and implementation_name == 'cpython'"
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "project"\nversion = "1"\nrequires-python = "=={THIS}.*"\ndependencies = [{names}]\n'
            f'[tool.uv]\nenvironments = ["{here}"]\n{more}'
        )
        (folder / "probe.py").write_text(PROBE)
        self.folder = folder
        self.environment = environment
        variables = {name: value for name, value in environment.variables.items() if name != "VIRTUAL_ENV"}
        environment.variables = variables
        del variables["UV_NO_CONFIG"]
        environment.folder = folder
        environment.python = str(folder / ".venv" / "bin" / "python")

    def uv(self, command):
        command, _, words = command.partition(" ")
        return run(f"uv {command} -p {self.environment.base} {words}", self.folder, self.environment.variables).stdout


@pytest.fixture
def uv(tmp_path, wheels):
    environment = Environment("uv", tmp_path / "other", wheels)
    environment.base = environment.python
    return environment


def is_ours(environment):
    found = environment.probe()
    assert {**found, **OURS} == found
    assert environment.doctor()[0] == 0


@pytest.mark.parametrize("dependencies", [("gevent-mp",), ("gevent-mp", *CLIENTS), ("gevent-mp", GEVENT)], ids=str)
def test_uv_sync_and_once_more(tmp_path, uv, dependencies):
    """The second time it finds a gevent that is in no lock, the metadata which comes with ours."""
    project = Project(tmp_path / "project", uv, *dependencies)
    for _ in range(2):
        project.uv("sync")
        is_ours(uv)


def test_uv_add_in_either_order(tmp_path, uv):
    project = Project(tmp_path / "project", uv)
    for each in ("gevent-mp", "locust"):
        project.uv(f"add {each}")
        is_ours(uv)
    project.uv("remove gevent-mp")
    project.uv("add gevent-mp")
    is_ours(uv)


def test_uv_without_gevents_own(tmp_path, uv):
    more = 'exclude-dependencies = ["gevent"]\n'
    project = Project(tmp_path / "project", uv, "gevent-mp", *CLIENTS, more=more)
    for _ in range(2):
        project.uv("sync")
        is_ours(uv)
    assert 'name = "gevent"' not in (project.folder / "uv.lock").read_text()


def test_uv_run(tmp_path, uv):
    project = Project(tmp_path / "project", uv, "gevent-mp", "geventhttpclient")
    assert '"gevent": "ours"' in project.uv("run probe.py").splitlines()[-1]


def test_uv_run_with_what_requires_gevent_says_the_line_that_mends_it(tmp_path, uv):
    """What comes with it lies in a folder of uv's, before the project's environment."""
    project = Project(tmp_path / "project", uv, "gevent-mp")
    command = "uv run -q --with geventhttpclient probe.py"
    assert '"gevent": "ours"' in project.uv("run --with gevent probe.py").splitlines()[-1]
    said = project.uv(command.removeprefix("uv "))
    assert "RuntimeWarning: gevent-mp is installed, but this program has imported gevent 26.9.0 from" in said
    line = mending_line(said)
    assert line.startswith("export PYTHONPATH="), line
    assert '"gevent": "ours"' in uv.type(f"{line} && {command}").splitlines()[-1]


def test_uv_run_with_ours(tmp_path, uv):
    project = Project(tmp_path / "project", uv, "gevent")
    assert '"gevent": "ours"' in project.uv("run --with gevent-mp probe.py").splitlines()[-1]


@pytest.mark.parametrize("more", ["", "--with gevent"])
def test_a_tool_of_uvs_with_ours(tmp_path, uv, more):
    uv.variables.update(UV_TOOL_DIR=str(tmp_path / "tools"), UV_TOOL_BIN_DIR=str(tmp_path / "bin"))
    uv.type(f"uv tool install -q -p {uv.python} locust --with gevent-mp {more}")
    uv.python = str(tmp_path / "tools" / "locust" / "bin" / "python")
    is_ours(uv)
    uv.type("uv tool upgrade locust")
    is_ours(uv)


def test_uv_pip_sync(uv, tmp_path):
    """It removes what is not in the file, and has nothing to remove our metadata by."""
    (tmp_path / "wanted.in").write_text("\n".join(["gevent-mp", *CLIENTS]))
    uv.type(f"uv pip compile -q {tmp_path / 'wanted.in'} -o {tmp_path / 'wanted.txt'}")
    for _ in range(2):
        uv.type(f"uv pip sync {tmp_path / 'wanted.txt'}")
        is_ours(uv)


def test_the_flavour_is_what_everybody_gets_who_requires_gevent(environment, wheels):
    environment.variables["PIP_FIND_LINKS"] += f" {wheels / 'flavour'}"
    environment.variables["UV_FIND_LINKS"] += f",{wheels / 'flavour'}"
    environment.do(f"install {quoted(*CLIENTS)}")
    found = environment.probe()
    assert {**found, **OURS, "metadata": f"26.9.0+mp{MP_VERSION}"} == found
    assert environment.doctor()[0] == 0
    environment.do("uninstall -y gevent")
    assert environment.probe()["error"] == "No module named 'gevent'"


def test_the_flavour_written_over_is_mended_by_the_line_it_says(environment, wheels):
    environment.variables["PIP_FIND_LINKS"] += f" {wheels / 'flavour'}"
    environment.variables["UV_FIND_LINKS"] += f",{wheels / 'flavour'}"
    environment.do("install gevent")
    module = environment.site / "gevent" / "_hub_local.py"
    module.unlink()  # uv may have made it a link to what it keeps for other environments
    module.write_text("import gevent._gevent_c_hub_local\n")
    environment.type(mending_line(environment.probe()["error"]))
    found = environment.probe()
    assert {**found, **OURS} == found
