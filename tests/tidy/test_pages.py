"""Every page of reStructuredText can be read by a parser, so that tables and lists appear as what they are."""

import docutils.core
import docutils.utils
import pytest
from tree import ROOT, files, names

PAGES = names(files("docs", ".rst") + files(".", "README.rst", "CHANGES.rst"))
# Sphinx's own, which a plain parser does not know.
SPHINX = (".. toctree::", ".. py:", ":ref:", ":doc:")
SETTINGS = {"report_level": docutils.utils.Reporter.WARNING_LEVEL, "halt_level": 5, "warning_stream": False}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_without_a_warning(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    document = docutils.core.publish_doctree(text, settings_overrides=SETTINGS)
    messages = [
        each.astext()
        for each in document.findall(docutils.nodes.system_message)
        if not any(directive.split()[-1].rstrip(":") in each.astext() for directive in SPHINX)
    ]
    assert not messages
