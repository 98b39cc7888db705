"""Files stay readable in one sitting, folders explain themselves, and nothing names one machine."""

import re

import pytest
from tree import ROOT, files, names

LINES_MAX = 500
REASON = re.compile(r"tidy: long because \w+")
SOURCES = names(
    files("cpp", ".h", ".cc")
    + files("src", ".py", ".pyx", ".pxd", ".pxi")
    + files("tests", ".py", ".cc", ".h")
    + files("tools", ".py", ".sh")
    + files("benchmarks", ".py")
    + files("examples", ".py")
)
PAGES = ("README.md", "README.rst", "CONTRIBUTING.rst", "CHANGES.rst")
DOCUMENTS = names(files("docs", ".rst", ".md", ".py") + files(".", *PAGES))
CONFIGURATION = ["Makefile", "setup.py", "pyproject.toml", "CMakeLists.txt", "MANIFEST.in", ".ci/run"]
CONFIGURATION += names(files("deps", ".txt", ".cmake"))
# Folders of one machine, and hosts of package registries: neither means anything anywhere else.
ONE_MACHINE = re.compile(
    r"/(?:work|root|opt)/[\w.]|/home/(?!user\b|you\b)\w|/Users/\w|deb\.debian\.org|pypi\.org|pythonhosted\.org|ports\.ubuntu\.com"
)
README_LINES_MAX = 60


@pytest.mark.parametrize("name", SOURCES)
def test_no_file_outgrows_one_sitting_without_a_written_reason(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    length = text.count("\n")
    assert length <= LINES_MAX or REASON.search(text), (
        f"{name} has {length} lines, more than {LINES_MAX}: look for the second noun hiding inside, or write "
        "'tidy: long because ...' in a comment"
    )


@pytest.mark.parametrize("name", sorted({*SOURCES, *DOCUMENTS, *CONFIGURATION} - {"tests/tidy/test_files.py"}))
def test_nothing_names_one_machine_or_a_registry(name):
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
        found = ONE_MACHINE.search(line)
        assert not found, f"{name}:{number}: {found.group()}"


BINDINGS = names(files("src/gevent/_native", ".pyx", ".pxi", ".pxd"))
VERBATIM = re.compile(r'^cdef extern from [^\n]*:\n    """\n(.*?)^    """', re.MULTILINE | re.DOTALL)
VERBATIM_LINES_MAX = 14


@pytest.mark.parametrize("name", BINDINGS)
def test_a_binding_has_hardly_any_cpp_of_its_own(name):
    """What Cython cannot say, in a few lines: for more there are headers, where the formatter and tests see it."""
    verbatim = VERBATIM.findall((ROOT / name).read_text(encoding="utf-8"))
    assert sum(block.count("\n") for block in verbatim) <= VERBATIM_LINES_MAX


def folders_with_a_readme():
    folders = ["tests", "deps", "tools", "cpp", "src/gevent", "src/gevent/_native", "src/gevent/multiprocessing"]
    folders += [f"src/gevent/{name}" for name in ("events", "fileobject", "hub", "monkey", "pywsgi", "threadpool")]
    folders += [f"cpp/python/{name}" for name in ("hub", "object", "socket", "wait")]
    folders += [f"cpp/{path.name}" for path in sorted((ROOT / "cpp").iterdir()) if path.is_dir()]
    return [folder for folder in folders if files(folder, ".py", ".pyx", ".h", ".cc", ".txt")]


@pytest.mark.parametrize("folder", folders_with_a_readme())
def test_a_folder_has_a_readme_of_one_screen(folder):
    readmes = [ROOT / folder / name for name in ("README.md", "README.rst") if (ROOT / folder / name).exists()]
    assert readmes, f"{folder}/ says nowhere what is in it, what it may depend on and where to start"
    length = readmes[0].read_text(encoding="utf-8").count("\n")
    assert length <= README_LINES_MAX, f"{length} lines are more than one screen"


def test_cpp_that_we_write_is_named_h_and_cc():
    """A .cpp file is always a generated one here."""
    assert not names(files("cpp", ".cpp", ".cxx", ".hpp") + files("tests/cpp", ".cpp", ".cxx", ".hpp"))
