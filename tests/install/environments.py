"""Virtual environments to install into, without a package index: real wheels, downloaded once, and ours."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

__all__ = [
    "CLIENTS",
    "DEADLINE_S",
    "GEVENT",
    "MP_VERSION",
    "OLD",
    "OLDER",
    "OURS",
    "PROBE",
    "ROOT",
    "TOOLS",
    "Environment",
    "clean_environment",
    "gather_wheels",
    "mending_line",
    "metadata_of",
    "quoted",
    "run",
    "version_of",
]

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "install"
MP_VERSION = re.search(r'^__mp_version__ = "(.+)"', (ROOT / "src/gevent/__init__.py").read_text(), re.MULTILINE).group(
    1
)
DEADLINE_S = 900

CLIENTS = ["locust", "celery[gevent]", "gunicorn[gevent]", "geventhttpclient"]
GEVENT, OLDER, OLD = "gevent==26.9.0", "gevent==25.9.1", "gevent<25"
#: The pip that this Python's venv brings, the newest one, and uv.
TOOLS = ["pip", "newest pip", "uv"]

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


def gather_wheels():
    """Return a folder with our wheel, built now or that of GEVENT_INSTALL_WHEEL, its flavour, and everybody else's."""
    house = CACHE / f"wheels-{sys.version_info[0]}.{sys.version_info[1]}"
    house.mkdir(parents=True, exist_ok=True)
    for stale in [*house.glob("gevent_mp-*.whl"), *house.rglob("gevent-*+mp*.whl")]:
        stale.unlink()
    # uv knows a wheel by its name, and has kept that of the last run.
    shutil.rmtree(CACHE / "uv-cache", ignore_errors=True)
    if "GEVENT_INSTALL_WHEEL" in os.environ:
        ours = Path(os.environ["GEVENT_INSTALL_WHEEL"]).resolve()
    else:
        run(["make", "-s", "wheel"], ROOT, clean_environment())
        (ours,) = (ROOT / "dist").glob("gevent_mp-*.whl")
    (house / ours.name).write_bytes(ours.read_bytes())
    run([sys.executable, ROOT / "tools" / "flavour.py", ours, house / "flavour"], ROOT, clean_environment())

    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    download = [*pip, "download", "-d", house, "--find-links", house]
    wanted = ["gevent-mp", GEVENT, *CLIENTS, "uv", "pip", "setuptools", "pyinstaller"]
    complete = house / "complete"
    if not complete.exists() or complete.read_text() != f"{wanted} {OLDER} {OLD}":
        run([*download, *wanted], ROOT, clean_environment())
        for each in (OLDER, OLD):
            run([*download, "--no-deps", each], ROOT, clean_environment())
        complete.write_text(f"{wanted} {OLDER} {OLD}")
    if not (CACHE / "uv" / "bin" / "uv").exists():
        run([*pip, "install", "--find-links", house, "--target", CACHE / "uv", "uv"], ROOT, clean_environment())
    return house


def version_of(house, name):
    """Return the version of the one wheel of `name` in the folder `house`."""
    (wheel,) = house.glob(f"{name}-*.whl")
    return wheel.name.split("-")[1]


def metadata_of(wheel, name):
    """Return the text of the file `name` in the wheel's folder of metadata, or "" without one."""
    with zipfile.ZipFile(wheel) as archive:
        found = [each for each in archive.namelist() if each.endswith(f".dist-info/{name}") and ".data/" not in each]
        return archive.read(found[0]).decode() if found else ""


class Environment:
    """An empty virtual environment whose installers know the wheels and nothing else."""

    def __init__(self, tool, folder, wheels, *options):
        self.tool = tool
        self.folder = folder
        self.python = str(folder / "bin" / "python")
        uv = CACHE / "uv" / "bin"
        self.variables = {
            **clean_environment(),
            "PATH": os.pathsep.join([str(folder / "bin"), str(uv), os.environ["PATH"]]),
            "VIRTUAL_ENV": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",  # most of what is installed is never imported
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(wheels),
            "UV_OFFLINE": "1",
            "UV_NO_CONFIG": "1",
            "UV_CACHE_DIR": str(CACHE / "uv-cache"),
        }
        if tool == "uv":
            run([uv / "uv", "venv", "-q", "-p", sys.executable, *options, folder], folder.parent, self.variables)
        else:
            run([sys.executable, "-m", "venv", "--without-pip", *options, folder], folder.parent, self.variables)
            self._copy_pip(self._with_pip())

    def _with_pip(self):
        """Return an environment that has nothing but this pip; made once, since that takes longer than most tests."""
        kept = CACHE / f"{self.tool.replace(' ', '-')}-{sys.version_info[0]}.{sys.version_info[1]}"
        if not (kept / "complete").exists():
            run([sys.executable, "-m", "venv", "--clear", kept], CACHE, self.variables)
            if self.tool == "newest pip":
                pip = [kept / "bin" / "python", "-m", "pip", "install", "-q", "-U", "--find-links"]
                run([*pip, self.variables["PIP_FIND_LINKS"], "pip"], CACHE, self.variables)
            (kept / "complete").touch()
        return kept

    def _copy_pip(self, kept):
        (site,) = kept.glob("lib/python*/site-packages")
        shutil.copytree(site, self.site, dirs_exist_ok=True)
        for script in kept.glob("bin/pip*"):
            copy = self.folder / "bin" / script.name
            copy.write_text(script.read_text().replace(str(kept), str(self.folder)))
            copy.chmod(0o755)

    @property
    def site(self):
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def do(self, step):
        """Run `step`, such as "install gevent-mp"; return what it printed. Installers may refuse."""
        prefix = "uv pip" if self.tool == "uv" else "pip"
        if self.tool == "uv":
            step = step.replace(" -y", "").replace("--force-reinstall", "--reinstall")
            step = step.replace("--upgrade-strategy eager ", "")
        return run(f"{prefix} {step}", self.folder, self.variables, check=False).stdout

    def type(self, line):
        """Run a line that we told somebody to type."""
        return run(line, self.folder, self.variables).stdout

    def probe(self, *options, **variables):
        script = self.folder / "probe.py"
        script.write_text(PROBE)
        done = run([self.python, *options, script], self.folder, {**self.variables, **variables}, check=False)
        assert done.stdout.splitlines(), f"{self.python} {options} printed nothing and ended with {done.returncode}"
        return json.loads(done.stdout.splitlines()[-1])

    def imports(self, *options, **variables):
        """Import gevent and do nothing else; return (whose it is, what was said)."""
        script = "import gevent; print('ours' if hasattr(gevent, '__mp_version__') else 'theirs')"
        done = run([self.python, *options, "-c", script], self.folder, {**self.variables, **variables}, check=False)
        return None if done.returncode else done.stdout.splitlines()[-1], done.stdout

    def doctor(self):
        done = run([self.python, "-m", "gevent_mp.doctor", "--json"], self.folder, self.variables, check=False)
        return done.returncode, json.loads(done.stdout[done.stdout.index("{") :])


def mending_line(text):
    """Return the line that `text`, which somebody was shown, says to type."""
    _, found, line = text.partition("To mend it, type: ")
    assert found, text
    return line.partition("\n")[0]


def quoted(*names):
    return " ".join(f"'{name}'" for name in names)
