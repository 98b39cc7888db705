"""Whoever installs or removes gevent's own distribution beside gevent-mp, `import gevent` is ours or nobody's.

Each situation is a virtual environment of its own with real wheels: ours, built from this tree, and those of gevent,
locust, celery, gunicorn and geventhttpclient, downloaded once into build/. Minutes long: only for `make test-all`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "install"
DEADLINE_S = 900
pytestmark = pytest.mark.timeout(2 * DEADLINE_S)

CLIENTS = ["locust", "celery[gevent]", "gunicorn[gevent]", "geventhttpclient"]
GEVENT, OLDER = "gevent==26.9.0", "gevent==25.9.1"

# Run in the environment, outside of any checkout: whose gevent it is, and whether multiprocessing works in it.
PROBE = """
import json, sys
from importlib import metadata

def square(number):
    return number * number

def look():
    try:
        import gevent
        from gevent import hub, monkey
    except ImportError as error:
        return {"gevent": None, "error": str(error)}
    found = {"gevent": "ours" if hasattr(gevent, "__mp_version__") else "theirs", "version": gevent.__version__}
    try:
        monkey.patch_all(multiprocessing=True)
    except RuntimeError as error:
        return {**found, "refused": str(error)}
    if found["gevent"] == "ours":
        import multiprocessing
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            found["squares"] = pool.map(square, range(4))
    found["metadata"] = metadata.version("gevent")
    return found

if __name__ == "__main__":
    print(json.dumps(look()))
"""
OURS = {"gevent": "ours", "version": "26.9.0", "squares": [0, 1, 4, 9]}


def run(command, cwd, environment, check=True):
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}"
    return done


def clean_environment():
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


@pytest.fixture(scope="session")
def wheels():
    """A folder with our wheel, built now, and everybody else's."""
    house = CACHE / f"wheels-{sys.version_info[0]}.{sys.version_info[1]}"
    house.mkdir(parents=True, exist_ok=True)
    for stale in house.glob("gevent_mp-*.whl"):
        stale.unlink()
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    run([*pip, "wheel", "--no-deps", "-w", house, ROOT], ROOT, clean_environment())
    download = [*pip, "download", "-d", house, "--find-links", house]
    run([*download, "gevent-mp", GEVENT, *CLIENTS, "uv", "pip"], ROOT, clean_environment())
    run([*download, "--no-deps", OLDER], ROOT, clean_environment())
    return house


class Environment:
    """An empty virtual environment whose installers know the wheels and nothing else."""

    def __init__(self, tool, folder, wheels):
        self.folder = folder
        python = folder / "bin" / "python"
        if tool == "uv":
            uv = CACHE / "uv"
            if not (uv / "bin" / "uv").exists():
                command = [sys.executable, "-m", "pip", "install", "-q", "--find-links", wheels, "--target", uv, "uv"]
                run(command, folder.parent, clean_environment())
            run([uv / "bin" / "uv", "venv", "-q", "-p", sys.executable, folder], folder.parent, clean_environment())
        else:
            run([sys.executable, "-m", "venv", folder], folder.parent, clean_environment())
        self.python = str(python)
        self.variables = {
            **clean_environment(),
            "PATH": os.pathsep.join([str(folder / "bin"), str(CACHE / "uv" / "bin"), os.environ["PATH"]]),
            "VIRTUAL_ENV": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(wheels),
            "UV_OFFLINE": "1",
        }
        self.tool = tool

    def do(self, step):
        """Run `step`, such as "install gevent-mp"; return what it printed. Installers may refuse."""
        prefix = "uv pip" if self.tool == "uv" else "pip"
        if self.tool == "uv":
            step = step.replace(" -y", "").replace("--force-reinstall", "--reinstall")
        return run(f"{prefix} {step}", self.folder, self.variables, check=False).stdout

    def type(self, line):
        """Run a line that we told somebody to type."""
        return run(line, self.folder, self.variables).stdout

    def probe(self, **variables):
        script = self.folder / "probe.py"
        script.write_text(PROBE)
        done = run([self.python, script], self.folder, {**self.variables, **variables}, check=False)
        return json.loads(done.stdout.splitlines()[-1])

    def doctor(self):
        done = run([self.python, "-m", "gevent_mp.doctor", "--json"], self.folder, self.variables, check=False)
        return done.returncode, json.loads(done.stdout[done.stdout.index("{") :])


@pytest.fixture(params=["pip", "uv"])
def environment(request, tmp_path, wheels):
    return Environment(request.param, tmp_path / "environment", wheels)


def quoted(*names):
    return " ".join(f"'{name}'" for name in names)


OURS_AFTER = {
    "ours alone": ["install gevent-mp"],
    "ours, then those that require gevent": ["install gevent-mp", f"install {quoted(*CLIENTS)}"],
    "those that require gevent, then ours": [f"install {quoted(*CLIENTS)}", "install gevent-mp"],
    "both in one command": [f"install gevent-mp {quoted(*CLIENTS)}"],
    "both in one command, the other order": [f"install {quoted(*CLIENTS)} gevent-mp"],
    "gevent by name after ours": ["install gevent-mp", f"install {GEVENT}"],
    "gevent upgraded": ["install gevent-mp", "install -U gevent"],
    "a client upgraded eagerly": ["install gevent-mp locust", "install -U --upgrade-strategy eager locust"],
    "an older gevent by name": ["install gevent-mp", f"install {OLDER}"],
    "gevent uninstalled": ["install gevent-mp", "uninstall -y gevent"],
    "both, then gevent uninstalled": ["install gevent-mp locust", "uninstall -y gevent"],
    "gevent, then ours, then gevent uninstalled": ["install gevent", "install gevent-mp", "uninstall -y gevent"],
    "gevent's files by force": ["install gevent-mp", f"install --no-deps --force-reinstall {GEVENT}"],
    "ours again": ["install gevent-mp locust", "install --force-reinstall --no-deps gevent-mp"],
}


@pytest.mark.parametrize("situation", OURS_AFTER)
def test_gevent_is_ours_and_works_after(environment, situation):
    said = [environment.do(step) for step in OURS_AFTER[situation]]
    found = environment.probe()
    assert {**found, **OURS} == found, said
    status, report = environment.doctor()
    assert (status, report["problems"], report["owner"]["is"]) == (0, [], "gevent-mp")
    if environment.tool == "pip":
        run("pip check", environment.folder, environment.variables)


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
    (site,) = environment.folder.glob("lib/python*/site-packages")
    assert (site / "gevent" / "hub.py").exists()
    environment.type(f"{environment.python} -m gevent_mp.repair")
    assert not (site / "gevent").exists()
    assert [each.name for each in site.glob("gevent-*.dist-info")] == ["gevent-26.9.0+mp0.1.0.dist-info"]
    assert environment.doctor()[1]["notes"] == []


def test_a_damaged_installation_says_the_line_that_mends_it(environment):
    environment.do("install gevent-mp")
    (site,) = environment.folder.glob("lib/python*/site-packages")
    (site / "gevent_mp" / "tree" / "gevent" / "hub" / "__init__.py").unlink()
    status, report = environment.doctor()
    assert status == 1
    environment.type(report["problems"][0]["mend"])
    assert environment.doctor()[0] == 0


@pytest.fixture
def target(tmp_path, wheels):
    """A folder for PYTHONPATH, where nobody reads .pth files; and a plain environment to use it from."""
    environment = Environment("pip", tmp_path / "environment", wheels)
    folder = tmp_path / "target"
    return environment, folder


def test_a_folder_on_the_path_needs_no_pth_file(target):
    environment, folder = target
    environment.do(f"install --target {folder} gevent-mp")
    found = environment.probe(PYTHONPATH=str(folder))
    assert {**found, **OURS} == found


def test_multiprocessing_is_refused_loudly_where_theirs_comes_first(target):
    environment, folder = target
    environment.do(f"install --target {folder} gevent-mp locust")
    environment.variables["PYTHONPATH"] = str(folder)
    found = environment.probe()
    assert found["gevent"] == "theirs"
    _, _, line = found["refused"].partition("To mend it, type: ")
    environment.type(line)
    found = environment.probe()
    assert {**found, **OURS} == found


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
