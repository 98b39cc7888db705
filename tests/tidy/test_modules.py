"""Every Python module and binding says why it exists, and every Python module names what it offers."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from tree import ROOT, files, names

MODULES = names(files("src/gevent", ".py"))
NO_ALL = re.compile(r"^# tidy: no __all__ because \w+", re.MULTILINE)


def tree_of(name):
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_why_it_exists(name):
    docstring = ast.get_docstring(tree_of(name))
    assert docstring and len(docstring) > 20


@pytest.mark.parametrize("name", MODULES)
def test_a_module_names_what_it_offers(name):
    """Also a facade: a computed `__all__` or one taken from another module counts."""
    if NO_ALL.search((ROOT / name).read_text(encoding="utf-8")):
        return
    targets = []
    for node in tree_of(name).body:
        if isinstance(node, ast.Assign):
            targets += node.targets
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            targets.append(node.target)
        elif isinstance(node, ast.ImportFrom):
            targets += [ast.Name(alias.asname or alias.name) for alias in node.names]
    assert any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


@pytest.mark.parametrize("name", names(files("src/gevent/_native", ".pyx")))
def test_a_binding_says_what_it_is_for(name):
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert "".join(lines).lstrip().startswith(('"""', "'''"))


@pytest.mark.parametrize("name", MODULES + names(files("src/gevent/_native", ".pyx")))
def test_no_exception_is_caught_without_a_name(name):
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
        assert line.split("#")[0].strip() != "except:", f"{name}:{number}: a bare `except:`"


def test_no_two_test_files_have_one_name():
    """pytest imports them by that name, and would refuse the second, and with it the whole folder."""
    counts = Counter(path.name for path in files("tests", ".py") if path.name.startswith("test_"))
    assert [name for name, count in counts.items() if count > 1] == []


def test_the_library_of_bindings_names_each_of_them():
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    apart = set(re.search(r"set\(GEVENT_BINDINGS_APART (.*)\)", cmake).group(1).split())
    built = {Path(name).stem for name in names(files("src/gevent/_native", ".pyx"))}
    assignments = [node for node in tree_of("src/gevent/_native/__init__.py").body if isinstance(node, ast.Assign)]
    listed = next(each.value.args[0] for each in assignments if each.targets[0].id == "_IN_LIBRARY")
    assert sorted(ast.literal_eval(listed)) == sorted(built - apart)
