"""pre-commit's hooks are what `make check` does: the same tools, called by the same script."""

import re
import subprocess
import sys

from tree import ROOT

HOOKS = ROOT / ".pre-commit-config.yaml"
SCRIPT = ROOT / "tools" / "format.sh"


def test_the_hooks_are_a_configuration_of_pre_commit():
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_tool_of_make_format_is_a_hook():
    hooks = re.findall(r"^ +entry: tools/format\.sh --(?:fix|check) --only (\S+)$", HOOKS.read_text(), re.MULTILINE)
    tools = set(re.findall(r"^ *over (\S+) ", SCRIPT.read_text(), re.MULTILINE))
    assert sorted(hooks) == sorted(tools)
