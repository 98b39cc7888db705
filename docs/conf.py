"""Sphinx's configuration; `make docs` builds the pages into build/docs."""

import re
from pathlib import Path

_init = (Path(__file__).parent.parent / "src" / "gevent" / "__init__.py").read_text(encoding="utf-8")

project = "gevent-mp"
release = version = re.search(r'^__mp_version__ = "(.+)"', _init, re.MULTILINE).group(1)
copyright = "the gevent-mp contributors"  # noqa: A001 - Sphinx's name
html_theme = "furo"
default_role = "code"
exclude_patterns = ["changes", "README.md"]
html_static_path = []
