"""What installed distributions ask of gevent, and whether the one that gevent-mp stands in for is that.

Read without the package `packaging`, which an environment made by uv has not: the operators of version specifiers, and
environment markers, whose grammar is a part of Python's.
"""

import ast
import operator
import os
import platform
import re
import sys
from importlib import metadata

__all__ = ["Requirement", "unmet"]

_REQUIREMENT = re.compile(
    r"gevent(?![\w.-])\s*(?:\[[^\]]*\])?\s*\(?\s*(?P<versions>[^;@()]*?)\s*\)?\s*(?:;(?P<marker>.*))?", re.I
)
_SPECIFIER = re.compile(r"(===|[=!~<>]=|<|>)\s*([^\s,]+)")
_COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_OURS = ("gevent", "gevent-mp")


class Requirement:
    """What one distribution asks for that this gevent is not."""

    def __init__(self, distribution, text, extra, wants_newer):
        self.name = distribution.metadata["Name"]
        self.version = distribution.version
        self.text = text  # such as "gevent<25"
        self.extra = extra  # the extra of the distribution that asks for it, or None
        self.wants_newer = wants_newer  # than the one that is here; False: an older one


def unmet(version):
    """Yield a `Requirement` for each that a gevent of `version` does not meet, distribution by distribution."""
    seen = set(_OURS)
    for distribution in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()
        if name in seen:
            continue  # the first on the path is the one that is imported
        seen.add(name)
        for line in distribution.requires or []:
            found = _REQUIREMENT.fullmatch(line)
            if found:
                yield from _judge(distribution, version, found["versions"], found["marker"])


def _judge(distribution, version, versions, marker):
    failed = [(how, which) for how, which in _SPECIFIER.findall(versions) if not _meets(version, how, which)]
    extra = _extra_of(marker)
    if failed and _applies(marker, extra):
        wants_newer = all(_key(which) > _key(version) for _, which in failed)
        yield Requirement(distribution, f"gevent{versions}", extra, wants_newer)


def _meets(version, how, which):
    here, wanted = _key(version), _key(which)
    if how in ("==", "===", "!=") and which.endswith(".*"):
        return _starts_with(version, which[:-2]) is (how != "!=")
    if how == "~=":
        return here >= wanted and _starts_with(version, which.rpartition(".")[0])
    compare = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "!=": operator.ne}
    return compare.get(how, operator.eq)(here, wanted)


def _key(version):
    """Return what orders versions: the numbers without zeros at the end, and before, at or after the release."""
    release = _release(version)
    rest = version[re.match(r"v?[\d.]*", version).end() :]
    phase = 1 if rest.startswith(("post", ".post", "-")) else -1 if rest and rest[0] not in "+*" else 0
    while release and release[-1] == 0:
        release.pop()
    return release, phase


def _release(version):
    numbers = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return [int(number) for number in numbers.group(1).split(".")] if numbers else []


def _starts_with(version, prefix):
    release, wanted = _release(version), _release(prefix)
    release += [0] * (len(wanted) - len(release))
    return release[: len(wanted)] == wanted


def _extra_of(marker):
    found = re.search(r"""extra\s*==\s*["']([^"']+)["']""", marker or "")
    return found.group(1) if found else None


def _applies(marker, extra):
    """Return whether `marker` holds here, with `extra` asked for; True where it cannot be read."""
    if not marker or not marker.strip():
        return True
    try:
        return bool(_value(ast.parse(marker.strip(), mode="eval").body, {**_environment(), "extra": extra or ""}))
    except (SyntaxError, KeyError, TypeError):
        return True  # better to name one too many


def _value(node, names):
    if isinstance(node, ast.BoolOp):
        together = all if isinstance(node.op, ast.And) else any
        return together([_value(each, names) for each in node.values])
    if isinstance(node, ast.Compare):
        left, right = _value(node.left, names), _value(node.comparators[0], names)
        if re.fullmatch(r"v?\d[\w.+]*", left) and re.fullmatch(r"v?\d[\w.+]*", right):
            left, right = _key(left), _key(right)
        return _COMPARISONS[type(node.ops[0])](left, right)
    if isinstance(node, ast.Name):
        return names[node.id]
    return ast.literal_eval(node)


def _environment():
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_version": "{}.{}".format(*sys.version_info),
        "python_full_version": platform.python_version(),
        "implementation_name": sys.implementation.name,
        "implementation_version": platform.python_version(),
    }
