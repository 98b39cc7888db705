"""Every page of reStructuredText can be read by a parser, so that tables and lists appear as what they are."""

from collections import defaultdict

import docutils.core
import docutils.nodes
import docutils.utils
import pytest
from docutils.parsers.rst import Directive, directives, roles
from tree import ROOT, files, names

PAGES = names(files("docs", ".rst") + files(".", "README.rst", "CONTRIBUTING.rst", "CHANGES.rst"))
# Sphinx's own, which a plain parser does not know: `make docs` reads these.
DIRECTIVES = ("autofunction", "automodule", "literalinclude", "settings", "toctree")
ROLES = ("doc", "ref")
SETTINGS = {"report_level": docutils.utils.Reporter.WARNING_LEVEL, "halt_level": 5, "warning_stream": False}


class Passed(Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = defaultdict(lambda: str)  # any

    def run(self):
        return []


for each in DIRECTIVES:
    directives.register_directive(each, Passed)
for each in ROLES:
    roles.register_generic_role(each, docutils.nodes.emphasis)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_without_a_warning(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    document = docutils.core.publish_doctree(text, source_path=str(ROOT / name), settings_overrides=SETTINGS)
    messages = document.findall(docutils.nodes.system_message)
    assert not [each.astext() for each in messages if each["level"] >= docutils.utils.Reporter.WARNING_LEVEL]
