"""Sphinx's configuration; `make docs` builds the pages into build/docs."""

import re
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def _answers(host):
    try:
        socket.create_connection((host, 443), timeout=3).close()
    except OSError:
        return False
    return True


_init = (Path(__file__).parent.parent / "src" / "gevent" / "__init__.py").read_text(encoding="utf-8")

project = "gevent-mp"
release = version = re.search(r'^__mp_version__ = "(.+)"', _init, re.MULTILINE).group(1)
copyright = "the gevent-mp contributors"  # noqa: A001 - Sphinx's name
html_theme = "furo"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.intersphinx", "reference"]
# The standard library's names become links where its index can be had; without a network they stay names.
intersphinx_mapping = {"python": ("https://docs.python.org/3", None)} if _answers("docs.python.org") else {}
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
maximum_signature_line_length = 80
default_role = "code"
exclude_patterns = ["changes", "README.md", "performance/compared.rst"]
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_title = "gevent-mp"


def _mark_programs(app, what, name, obj, options, lines):
    """Docstrings show programs as indented lines after a blank one; reStructuredText wants them announced."""
    marked, before = [], ""
    for line in lines:
        if line.startswith("    ") and not before.startswith("    ") and marked and not marked[-1]:
            marked += ["::", ""]
        marked.append(line)
        before = line or before
    lines[:] = marked


def _leave_out(app, what, name, obj, skip, options):
    """Values that are computed at the first access are no methods, which is what they look like to autodoc."""
    return skip or type(obj).__name__ in ("Lazy", "readproperty", "LazyOnClass")


def setup(app):
    app.connect("autodoc-process-docstring", _mark_programs)
    app.connect("autodoc-skip-member", _leave_out)
