"""gevent-mp in folders where nobody reads .pth files, in somebody's home, below another environment, in an archive."""

import sys

import pytest
from environments import DEADLINE_S, GEVENT, MP_VERSION, OURS, Environment, mending_line, run

pytestmark = pytest.mark.timeout(2 * DEADLINE_S)

FLAGS = [("-I",), ("-E",), ("-s",), ("-P",) if sys.version_info >= (3, 11) else ("-B",), ("-O",), ("-X", "utf8")]


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_pythons_flags_change_nothing(plain, flags):
    plain.do(f"install gevent-mp {GEVENT}")
    assert {**plain.probe(*flags), **OURS} == plain.probe(*flags)


def test_without_site_a_folder_on_the_path_is_enough(plain):
    """-S reads no .pth file, and gevent's own package is in the folder."""
    plain.do(f"install gevent-mp {GEVENT}")
    found = plain.probe("-S", PYTHONPATH=str(plain.site))
    assert {**found, **OURS} == found


@pytest.fixture
def target(environment, tmp_path):
    """A folder for PYTHONPATH, and an environment to fill it and to use it from."""
    folder = tmp_path / "target"
    environment.variables["PYTHONPATH"] = str(folder)
    return folder


IN_A_FOLDER = {
    "ours alone": ["gevent-mp"],
    "both in one command": ["gevent-mp locust"],
    "ours, then what requires gevent": ["gevent-mp", "geventhttpclient"],
    "ours, then gevent": ["gevent-mp", GEVENT],
    "ours again": ["gevent-mp", "--upgrade gevent-mp"],
    "both upgraded": ["gevent-mp locust", "--upgrade locust gevent-mp"],
}


@pytest.mark.parametrize("situation", IN_A_FOLDER)
def test_in_a_folder_on_the_path_gevent_is_ours_after(environment, target, situation):
    said = [environment.do(f"install --target {target} {what}") for what in IN_A_FOLDER[situation]]
    found = environment.probe()
    assert {**found, **OURS} == found, said
    status, report = environment.doctor()
    assert (status, report["owner"]["is"], report["owner"]["hashes"]) == (0, "gevent-mp", "match"), report["problems"]


THEIRS_IN_A_FOLDER = {
    "gevent, then ours": [GEVENT, "gevent-mp"],
    "what requires gevent, then ours": ["geventhttpclient", "gevent-mp"],
    "ours, then gevent in place of the whole folder": ["gevent-mp", f"--upgrade {GEVENT}"],
}


@pytest.mark.parametrize("situation", THEIRS_IN_A_FOLDER)
def test_in_a_folder_on_the_path_the_doctor_mends_what_no_import_can_tell_of(environment, target, situation):
    """All that pip writes there is beside the folder gevent, where an import of theirs does not look."""
    said = [environment.do(f"install --target {target} {what}") for what in THEIRS_IN_A_FOLDER[situation]]
    owner, _ = environment.imports()
    status, report = environment.doctor()
    assert (status, report["owner"]["is"]) == ((1, "gevent") if owner == "theirs" else (0, "gevent-mp")), said
    while report["problems"]:
        environment.type(report["problems"].pop(0)["mend"])
        found = environment.probe()
        assert {**found, **OURS} == found
    assert environment.doctor()[0] == 0


@pytest.mark.parametrize("situation", THEIRS_IN_A_FOLDER)
def test_in_a_folder_on_the_path_gevent_is_ours_or_says_what_to_type_after(environment, target, situation):
    """pip leaves a folder gevent that is there alone, or with --upgrade removes it whole."""
    said = [environment.do(f"install --target {target} {what}") for what in THEIRS_IN_A_FOLDER[situation]]
    found = environment.probe()
    if found["gevent"] == "theirs":
        environment.type(mending_line(found["refused"]))
        found = environment.probe()
    assert {**found, **OURS} == found, said


def test_theirs_earlier_on_the_path_is_refused_with_a_line_that_mends_it(environment, tmp_path):
    environment.do("install gevent-mp")
    environment.do(f"install --target {tmp_path / 'theirs'} --no-deps {GEVENT}")
    environment.variables["PYTHONPATH"] = str(tmp_path / "theirs")
    found = environment.probe()
    assert found["gevent"] == "theirs"
    line = mending_line(found["refused"])
    environment.type(f"{line} && {environment.python} probe.py > said.json")
    assert '"gevent": "ours"' in (environment.folder / "said.json").read_text()


def is_told_and_mended(environment, said):
    """Type the line that `said` has, and import gevent again in the same shell: it is ours then, without a word."""
    assert "RuntimeWarning: gevent-mp is installed, but this program has imported gevent 26.9.0 from" in said
    script = "import gevent; print(hasattr(gevent, '__mp_version__'))"
    done = environment.type(f'{mending_line(said)} && echo == && {environment.python} -c "{script}"')
    assert done.partition("==\n")[2] == "True\n", done


def test_theirs_earlier_on_the_path_is_told_of_by_a_bare_import(environment, tmp_path):
    environment.do("install gevent-mp")
    environment.do(f"install --target {tmp_path / 'theirs'} --no-deps {GEVENT}")
    # Whatever else the program needs from there is found afterwards, too.
    environment.variables["PYTHONPATH"] = f"{tmp_path / 'other'}:{tmp_path / 'theirs'}"
    owner, said = environment.imports()
    assert owner == "theirs"
    is_told_and_mended(environment, said)


def test_theirs_beside_the_program_is_told_of_by_a_bare_import(environment):
    environment.do("install gevent-mp")
    environment.do(f"install --target {environment.folder} --no-deps {GEVENT}")
    owner, said = environment.imports()
    assert owner == "theirs"
    is_told_and_mended(environment, said)


def test_theirs_earlier_on_the_path_is_told_of_when_all_is_patched(plain, tmp_path):
    """Also where no .pth file was read, from the metadata that is on the path."""
    plain.do(f"install --target {tmp_path / 'ours'} --no-deps gevent-mp")
    plain.do(f"install {GEVENT}")
    variables = {**plain.variables, "PYTHONPATH": f"{plain.site}:{tmp_path / 'ours'}"}
    done = run([plain.python, "-c", "from gevent import monkey; monkey.patch_all()"], tmp_path, variables)
    assert "RuntimeWarning: gevent-mp is installed, but this program has imported gevent 26.9.0 from" in done.stdout
    assert "To mend it, type: " in done.stdout


@pytest.mark.parametrize("steps", [("gevent-mp", GEVENT), (GEVENT, "gevent-mp")], ids=" ".join)
def test_under_a_prefix(environment, tmp_path, steps):
    for what in steps:
        environment.do(f"install --prefix {tmp_path / 'prefix'} {what}")
    (site,) = (tmp_path / "prefix").glob("lib/python*/site-packages")
    environment.variables["PYTHONPATH"] = str(site)
    found = environment.probe()
    assert {**found, **OURS} == found
    assert environment.doctor()[0] == 0


class Home:
    """What ``pip install --user`` fills, of the interpreter that the environments are made of."""

    def __init__(self, folder, environment):
        self.python = f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
        self.folder = folder
        self.variables = {
            **environment.variables,
            "PYTHONUSERBASE": str(folder),
            "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        }
        del self.variables["VIRTUAL_ENV"]

    def install(self, what):
        run([self.python, "-m", "pip", "install", "-q", "--user", *what.split()], self.folder.parent, self.variables)


@pytest.fixture
def home(plain, tmp_path):
    if run([sys.executable, "-c", "import ensurepip"], tmp_path, None, check=False).returncode:
        pytest.skip("this system's Python has no pip for its users")
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home", plain)


@pytest.mark.parametrize("what", ["gevent-mp", f"gevent-mp {GEVENT}", f"{GEVENT} gevent-mp"])
def test_installed_for_one_user(home, plain, what):
    home.install(what)
    plain.python, plain.variables = home.python, home.variables
    found = plain.probe()
    assert {**found, **OURS} == found


def below_home(home, wheels, tmp_path):
    """An environment that sees what its user has installed."""
    below = Environment("pip", tmp_path / "below", wheels, "--system-site-packages")
    below.variables["PYTHONUSERBASE"] = str(home.folder)
    return below


def test_ours_in_an_environment_comes_before_theirs_outside(home, wheels, tmp_path):
    home.install(f"--no-deps {GEVENT}")
    below = below_home(home, wheels, tmp_path)
    below.do("install gevent-mp")
    found = below.probe()
    assert {**found, **OURS} == found


def test_ours_outside_is_enough_for_an_environment(home, wheels, tmp_path):
    home.install("gevent-mp")
    below = below_home(home, wheels, tmp_path)
    below.do("install geventhttpclient")
    found = below.probe()
    assert {**found, **OURS} == found


def test_theirs_in_an_environment_is_told_of_where_ours_is_outside(home, wheels, tmp_path):
    home.install("gevent-mp")
    below = below_home(home, wheels, tmp_path)
    below.do(f"install --no-deps --ignore-installed {GEVENT}")
    owner, said = below.imports()
    assert owner == "theirs"
    assert mending_line(below.probe()["refused"]) == mending_line(said)
    is_told_and_mended(below, said)


def test_in_an_archive_it_says_that_it_cannot_be_loaded_from_there(plain, tmp_path):
    folder = tmp_path / "application"
    plain.do(f"install --target {folder} gevent-mp")
    (folder / "__main__.py").write_text("import gevent\n")
    run([plain.python, "-m", "zipapp", folder, "-o", tmp_path / "application.pyz"], tmp_path, plain.variables)
    done = run([plain.python, tmp_path / "application.pyz"], tmp_path, plain.variables, check=False)
    assert done.returncode == 1
    assert "ImportError: gevent-mp's modules are not in " in done.stdout
    assert "cannot be loaded from an archive" in done.stdout


def test_in_an_archive_that_is_unpacked_it_works(plain, tmp_path):
    """As shiv, pex and PyInstaller do it: a folder in front of the path, without .pth files."""
    folder = tmp_path / "unpacked"
    plain.do(f"install --target {folder} gevent-mp {GEVENT}")
    script = f"import sys; sys.path.insert(0, {str(folder)!r}); import gevent; print(gevent.__mp_version__)"
    assert run([plain.python, "-c", script], tmp_path, plain.variables).stdout == f"{MP_VERSION}\n"
