"""No circle of imports: a module that is being imported never needs one that waits for it.

Nor do functions close a circle, but for those that are listed: whoever reads a module can read first what it stands on.
"""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest
from tree import ROOT, files

SOURCE = ROOT / "src"


def name_of(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in files("src/gevent", ".py")}


# What a function imports though it stands above: (the module, what it imports), and why it has to.
CIRCLES = {
    ("gevent.baseserver", "gevent.supervisor"): "a server's serve_forever(processes=4) is a supervisor of such servers",
    (
        "gevent.processpool._executor",
        "gevent.processpool",
    ): "the module is named for the pool, which the executor makes",
    (
        "gevent.threadpool._executor",
        "gevent.threadpool",
    ): "gevent has both names there, and the executor makes a pool",
}


def statements_run_by_an_import(body):
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for field in ("body", "orelse", "finalbody", "handlers"):
                yield from statements_run_by_an_import(getattr(node, field, []))


def all_statements(body):
    for statement in body:
        yield from (node for node in ast.walk(statement) if isinstance(node, ast.Import | ast.ImportFrom))


def needed_by(path, statements):
    """Our modules that `statements` of the one at `path` import, leaving out the packages that they are in."""
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif node.module in MODULES and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inside if name in MODULES)
            if any(name not in MODULES for name in inside):
                yield node.module


def graph_of(statements, without=()):
    return {
        name: {other for other in needed_by(path, statements) if other != name and (name, other) not in without}
        for name, path in MODULES.items()
    }


def circle_in(graph):
    """A circle, from one module to the next, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return " <- ".join(found.args[1])
    return None


def test_no_module_needs_while_it_is_imported_one_that_needs_it():
    assert circle_in(graph_of(statements_run_by_an_import)) is None


def test_no_function_imports_a_module_that_needs_its_own_unless_it_is_listed():
    assert circle_in(graph_of(all_statements, without=CIRCLES)) is None


@pytest.mark.parametrize("edge", CIRCLES, ids=" to ".join)
def test_each_circle_that_is_listed_is_one(edge):
    others = {each: why for each, why in CIRCLES.items() if each != edge}
    assert circle_in(graph_of(all_statements, without=others)) is not None
