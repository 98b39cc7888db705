"""Arrows point down only: who may include and import whom. The picture is in docs/architecture.rst."""

import ast
import re

import pytest
from tree import ROOT, files, includes, names

# A folder of cpp/, and the folders it may include from besides its own.
BELOW = {
    "base": set(),
    "loop": {"base"},
    "sync": {"base", "loop"},
    "ipc": {"base", "loop", "sync"},
    "process": {"base", "loop", "sync"},
    "thread": {"base", "loop", "sync"},
    "dns": {"base", "loop", "sync"},
    "http": {"base", "loop", "sync"},
    "python": {"base", "loop", "sync", "ipc", "process", "thread", "dns", "http"},
}
# A foreign header, and the one folder whose files may include it.
ONLY_IN = {
    "Python.h": "python/",
    "structmember.h": "python/",
    "frameobject.h": "python/",
    "greenlet/greenlet.h": "python/",
    "ev.h": "loop/libev/",
    "uv.h": "loop/libuv/",
    "ares.h": "dns/",
}
CPP = ROOT / "cpp"


@pytest.mark.parametrize("name", names(files("cpp", ".h", ".cc")))
def test_a_core_file_includes_only_from_its_own_folder_and_those_below(name):
    path = ROOT / name
    inside = path.relative_to(CPP)
    folder = inside.parts[0]
    assert folder in BELOW, f"cpp/{folder}/ has no place in the drawing yet; give it one in {__name__}.BELOW"
    for quote, header in includes(path):
        if quote == '"':
            assert (CPP / header).is_file(), f'{header}: our headers are named from cpp/, as in "loop/loop.h"'
            assert header.split("/")[0] in BELOW[folder] | {folder}, f"{name} reaches up to {header}"
        for foreign, home in ONLY_IN.items():
            if header == foreign or (foreign == "Python.h" and header.startswith(("cpython/", "internal/"))):
                assert str(inside).startswith(home), f"{header} belongs to cpp/{home}"


def cython_statements(path):
    """The lines of a Cython file that are code, docstrings and comments left out as far as these tests need it."""
    text = re.sub(r'("""|\'\'\')(?:.|\n)*?\1', '""', path.read_text(encoding="utf-8"))
    return [line.split("#")[0].rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("name", names(files("src/gevent/_native", ".pyx", ".pxd", ".pxi")))
def test_bindings_share_through_cpp_headers_and_never_cimport_each_other(name):
    bindings = {path.stem for path in files("src/gevent/_native", ".pyx")}
    for line in cython_statements(ROOT / name):
        found = re.match(r"\s*(?:from\s+([\w.]+)\s+cimport|cimport\s+([\w.]+))", line)
        if found:
            module = (found.group(1) or found.group(2)).removeprefix("gevent._native.").lstrip(".")
            assert module not in bindings, f"{name}: {line.strip()}"


@pytest.mark.parametrize("name", names(files("src/gevent/_native", ".pyx", ".pxd", ".pxi")))
def test_bindings_declare_only_headers_of_cpp_and_of_the_system(name):
    for line in cython_statements(ROOT / name):
        found = re.match(r"\s*cdef\s+extern\s+from\s+[\"']([^\"']+)[\"']", line)
        if found:
            header = found.group(1)
            ours = (CPP / header).is_file()
            # A class derived from greenlet needs its C layout.
            system = header.startswith("<") and header.strip("<>") not in ONLY_IN
            foreign = system or header in {"Python.h", "greenlet/greenlet.h"}
            assert ours or foreign, f"{name}: {header} is no header of cpp/"


@pytest.mark.parametrize("name", names(files("src/gevent/_native", ".pyx")))
def test_bindings_need_no_policy_module_to_be_imported(name):
    """What a binding needs of gevent's policy it looks up when it is called; exceptions are vocabulary."""
    vocabulary = {"gevent.exceptions"}
    for line in cython_statements(ROOT / name):
        found = re.match(r"(?:from\s+(gevent[\w.]*)\s+import|import\s+(gevent[\w.]*))", line)
        if found:
            module = found.group(1) or found.group(2)
            assert module in vocabulary or module.startswith("gevent._native"), f"{name}: {line}"


@pytest.mark.parametrize("name", names(files("src/gevent", ".py")))
def test_importing_a_policy_module_never_imports_the_tests_or_the_tools(name):
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.append(node.module)
        for module in modules:
            assert module.split(".")[0] not in {"tests", "tools", "benchmarks", "examples", "pytest"}, module
