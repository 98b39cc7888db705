"""A constant of a public module is read when it is used, so that a program which assigns it gets what it asked for.

`gevent.pywsgi.MAX_REQUEST_LINE = 65536` is how gevent's users set a limit. That works only if nobody took the value
before: by ``from gevent.pywsgi import MAX_REQUEST_LINE``, as the default of a parameter, or in another constant.
"""

import ast
import re

import pytest
from tree import ROOT, files, names

CONSTANT = re.compile(r"[A-Z][A-Z0-9_]+")
MODULES = [name for name in names(files("src/gevent", ".py")) if "/multiprocessing/" not in name]
# What cannot sensibly be assigned: event bits and flags that the kernel or an engine defines, error numbers, facts
# about the platform, the table of what can be patched. A server's DEFAULT_REUSE_ADDR is the value of a class's
# attribute, which is what a program assigns; so it is in gevent.
FIXED = re.compile(
    r"gevent\.(libev\.corecext|libuv\.loop|_native\.loop|core|_compat|resolver\.cares|select)\b.*"
    r"|gevent\.threading\.PY313|gevent\.monkey\.PARTS|gevent\.server\.DEFAULT_REUSE_ADDR"
)


def module_name(path):
    parts = path.removeprefix("src/").removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_public(module):
    return not any(part.startswith("_") for part in module.split("."))


def parsed(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def constants_of(tree):
    """The names of all constants that a module assigns at its top level."""
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name) and CONSTANT.fullmatch(target.id)}


PUBLIC = {module_name(path): constants_of(parsed(path)) for path in MODULES if is_public(module_name(path))}


def taken_by_import(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.name in PUBLIC.get(node.module, ()):
                    yield f"{node.module}.{alias.name}"


def taken_from_private_modules(tree):
    """Constants that are another module's: the one here is a copy, and the other's code reads the other."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            for target in node.targets:
                if isinstance(target, ast.Name) and CONSTANT.fullmatch(target.id) and target.id == node.value.attr:
                    yield target.id


def read_when_imported(tree):
    """The names that the module's own code reads while it is imported, and not in the functions that it defines."""
    todo = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]
            todo += getattr(node, "decorator_list", [])
        else:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield node.id
            todo += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", MODULES)
def test_nobody_takes_the_constant_of_a_public_module_before_using_it(path):
    tree, module = parsed(path), module_name(path)
    taken = set(taken_by_import(tree))
    own = {*read_when_imported(tree), *taken_from_private_modules(tree)}
    taken |= {f"{module}.{name}" for name in own if name in PUBLIC.get(module, ())}
    assert not {name for name in taken if not FIXED.fullmatch(name)}
