"""The distribution ``gevent`` that gevent-mp stands in for: its version, its metadata, what uninstalling it would take.

pip and uv look for a distribution of that name when Locust, Celery or gunicorn ask for gevent, and are content with
this one, which has the version of the gevent that ours stands in for and a local part that tells them apart. Without a
RECORD it cannot be uninstalled or upgraded by itself: it comes and goes with gevent-mp.
"""

import re

__all__ = ["INSTALLER", "local_version", "metadata_text", "own_version", "wheel_text"]

INSTALLER = "gevent-mp"

_METADATA = """\
Metadata-Version: 2.1
Name: gevent
Version: {version}
Summary: gevent as gevent-mp has it: this distribution holds no code
License: MIT
Requires-Python: >=3.10
{requirements}
This distribution tells installers that gevent is here. Its code is gevent-mp's.
"""

# Extras are gevent's, less what gevent-mp has no use for (cffi). `events` and `docs` ask for nothing that is not here.
_REQUIREMENTS = {
    None: ["greenlet>=3.2.2", "zope.event", "zope.interface"],
    "dnspython": ["dnspython>=2"],
    "docs": ["sphinx", "furo"],
    "events": [],
    "monitor": ["psutil>=6.0.0"],
    "recommended": ["dnspython>=2", "psutil>=6.0.0"],
    "test": ["dnspython>=2", "psutil>=6.0.0", "requests", "objgraph"],
}


def local_version(init_text):
    """Return the version, such as ``26.9.0+mp0.1.0``, from the text of ``gevent/__init__.py``."""
    return f"{_value_of('__version__', init_text)}+mp{own_version(init_text)}"


def own_version(init_text):
    """Return the version of gevent-mp, such as ``0.1.0``, from the same text."""
    return _value_of("__mp_version__", init_text)


def _value_of(name, init_text):
    return re.search(rf"""^{name}\s*=\s*["']([^"']+)["']""", init_text, re.MULTILINE).group(1)


def metadata_text(version, requires=()):
    """Return the text of METADATA; `requires` are further requirements, such as gevent-mp itself."""
    lines = [f"Requires-Dist: {requirement}" for requirement in (*_REQUIREMENTS[None], *requires)]
    for extra in filter(None, _REQUIREMENTS):
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {requirement}; extra == "{extra}"' for requirement in _REQUIREMENTS[extra]]
    return _METADATA.format(version=version, requirements="".join(f"{line}\n" for line in lines))


def wheel_text():
    """Return the text of WHEEL."""
    return "Wheel-Version: 1.0\nGenerator: gevent-mp\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
