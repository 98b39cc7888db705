"""No circle of imports: a module that is being imported never needs one that waits for it."""

import ast
from graphlib import CycleError, TopologicalSorter

from tree import ROOT, files

SOURCE = ROOT / "src"


def name_of(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in files("src/gevent", ".py")}


def statements_run_by_an_import(body):
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for field in ("body", "orelse", "finalbody", "handlers"):
                yield from statements_run_by_an_import(getattr(node, field, []))


def needed_by(path):
    """Our modules that are imported while the one at `path` is, leaving out the packages that they are in."""
    for node in statements_run_by_an_import(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif node.module in MODULES and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inside if name in MODULES)
            if any(name not in MODULES for name in inside):
                yield node.module


def test_no_module_needs_while_it_is_imported_one_that_needs_it():
    graph = {name: {other for other in needed_by(path) if other != name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        raise AssertionError("a circle of imports: " + " <- ".join(found.args[1])) from None
