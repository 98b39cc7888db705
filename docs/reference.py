"""What the reference has from elsewhere than docstrings: types, from the stubs, and who else has each name.

A Sphinx extension of this project's. A docstring says what its arguments mean, in which unit, and what is raised; the
stub beside the module says their types, and ``tests/upstream/reference/api.tsv`` which names gevent has.
"""

import ast
import copy
import importlib
from functools import cache
from inspect import cleandoc
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def stub_of(module):
    """Return the tree of the stub of `module`, or None."""
    path = SOURCES.joinpath(*module.split("."))
    for stub in (path / "__init__.pyi", path.with_suffix(".pyi")):
        if stub.exists():
            return ast.parse(stub.read_text(encoding="utf-8"))
    return None


def definitions(module, names):
    """Return the nodes that define the dotted `names` in the stub of `module`; of a function with overloads, all."""
    tree = stub_of(module)
    return [] if tree is None or not names else _within(module, tree.body, names)


def _within(module, body, names):
    first, rest = names[0], names[1:]
    found = [node for node in body if getattr(node, "name", None) == first]
    if not found:
        return _imported(module, body, first, rest)
    if not rest:
        return found
    for node in found:
        if isinstance(node, ast.ClassDef):
            inside = _within(module, node.body, rest) or _inherited(module, node, rest)
            if inside:
                return inside
    return []


def _inherited(module, node, names):
    for base in node.bases:
        base = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(base, ast.Name):
            found = definitions(module, [base.id, *names])
            if found:
                return found
    return []


def _imported(module, body, first, rest):
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                if (alias.asname or alias.name) == first:
                    return definitions(node.module, [alias.name, *rest])
    return []


def split(name):
    """Return (module, names) for a dotted name, by the stubs there are."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        if stub_of(".".join(parts[:length])) is not None:
            return ".".join(parts[:length]), parts[length:]
    return None, []


def signature_of(name, is_class, at_runtime=None):
    """Return (arguments, what is returned) as text, or None where no stub has them.

    `at_runtime` is what `inspect` makes of the object: it has the defaults, of which overloads have each its own.
    """
    module, names = split(name)
    found = definitions(module, names) if module else []
    is_method = len(names) > 1
    if is_class and found and isinstance(found[0], ast.ClassDef):
        found = definitions(module, [*names, "__init__"]) or definitions(module, [*names, "__new__"])
        is_method = True
    functions = [node for node in found if isinstance(node, FUNCTIONS)]
    if not functions or any(_is_property(node) for node in functions):
        return None
    returns = dict.fromkeys(ast.unparse(node.returns) for node in functions if node.returns)
    if "bool" in returns:
        returns = {each: None for each in returns if not each.startswith("Literal[True") and each != "Literal[False]"}
    arguments = _parsed(at_runtime) or _widest(functions, is_method)
    return f"({_typed(arguments, functions)})", None if is_class else " | ".join(returns) or None


def _parsed(signature):
    try:
        return ast.parse(f"def f{signature}: ...").body[0].args
    except SyntaxError:
        return None  # a default that has no literal, or no signature at all


def _is_property(node):
    return any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list)


def _widest(overloads, is_method):
    """Return the arguments of the overload that takes most, without `self` or the class."""
    widest = max(overloads, key=lambda node: len(list(_each(node.args))))
    arguments = copy.deepcopy(widest.args)
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in widest.decorator_list)
    if is_method and not static:
        del (arguments.posonlyargs or arguments.args)[:1]
    return arguments


def _typed(arguments, overloads):
    """Return `arguments` as text, each of any type that one of the overloads takes."""
    types = {}
    for node in overloads:
        for each in _each(node.args):
            if each.annotation is not None:
                types.setdefault(each.arg, {}).update(dict.fromkeys(_alternatives(each.annotation)))
    for each in _each(arguments):
        if each.arg in types:
            each.annotation = ast.Name(" | ".join(sorted(types[each.arg], key=lambda name: name == "None")))
    return ast.unparse(arguments)


def _alternatives(annotation):
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        yield from _alternatives(annotation.left)
        yield from _alternatives(annotation.right)
    else:
        yield ast.unparse(annotation)


def _each(arguments):
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (each for each in (arguments.vararg, arguments.kwarg) if each is not None)


@cache
def gevents():
    """Return the names that gevent has, such as ``Class.member``, of whatever module, and with it."""
    lines = (ROOT / "tests/upstream/reference/api.tsv").read_text(encoding="utf-8").splitlines()
    found = {line.split("\t")[0] for line in lines if not line.startswith("#")}
    return found | {name.partition(":")[2] for name in found}


@cache
def gevents_classes():
    """Return those of its classes whose members are written down."""
    return {name.rpartition(".")[0] for name in gevents() if ":" not in name and "." in name}


def origin_of(name, obj):
    """Return a sentence about who else has what is called `name`; "" where that is told of what it belongs to."""
    module, names = split(name)
    if module is None:
        return ""
    if len(names) > 1:
        alone = names[0] in gevents_classes() and ".".join(names) not in gevents()
        return "From gevent-mp; gevent has no such thing." if alone else ""
    standard = module.removeprefix("gevent.")
    if getattr(obj, "__module__", None) in (standard, f"_{standard}"):
        return f"The standard library's own `{standard}.{names[0]}`."
    if f"{module}:{names[0]}" in gevents():
        both = hasattr(_standard(standard), names[0])
        return f"From gevent, as `{standard}.{names[0]}`." if both else "From gevent."
    return "From gevent-mp; gevent has no such thing."


def _standard(name):
    try:
        return importlib.import_module(name) if not name.startswith("gevent") else None
    except ImportError:
        return None


def add_signature(app, what, name, obj, options, signature, returns):
    if signature is None or what not in ("class", "exception", "function", "method"):
        return None  # Sphinx has none to replace
    return signature_of(name, what in ("class", "exception"), signature)


def add_origin(app, what, name, obj, options, lines):
    text = " ".join(lines)
    if what == "module" or any(word in text for word in ("rom gevent", "tandard library")):
        return
    origin = origin_of(name, obj)
    if origin:
        lines += ["", origin] if lines and lines[-1] else [origin]


class Settings(SphinxDirective):
    """``.. settings::`` lists all settings, in the words that each has for itself."""

    def run(self):
        lines = StringList()
        for name, setting in importlib.import_module("gevent").config.settings.items():
            lines.append(f"``{name}``", "settings")
            for line in cleandoc(setting.desc).splitlines():
                lines.append(f"    {line}", "settings")
            lines.append("", "settings")
        node = nodes.Element()
        self.state.nested_parse(lines, self.content_offset, node)
        return node.children


def setup(app):
    app.add_directive("settings", Settings)
    app.connect("autodoc-process-signature", add_signature)
    app.connect("autodoc-process-docstring", add_origin, priority=400)
    return {"parallel_read_safe": True}
