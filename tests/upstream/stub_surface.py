#!/usr/bin/env python3
"""Print where the ``gevent`` of this interpreter is not what types-gevent says, one line each: object, what is wrong.

types-gevent is written by others, from gevent's own code, and `mypy.stubtest` compares it with what is there when the
program runs. Its sentences are brought down to one word, and the parameter or name that they are about. Both packages
must be installed, in the versions of tools/requirements.txt: others find other things.

reference/stubs.tsv, what gevent itself differs in, is this program's output in environments that have gevent 26.9.0,
one for each of Python 3.10 to 3.13, put through ``sort -u``.
"""

import os
import re
import subprocess
import sys
import tempfile

__all__ = ["stub_differences"]

#: What stubtest says about an object, and our word for it.
WORDS = [
    (r"is not present in stub", "extra"),
    (r"is not present at runtime", "missing"),
    (r"failed to import", "import"),
    (r"is inconsistent, .*?\"(\w+)\"", "signature"),
    (r"is inconsistent", "signature"),
    (r"disjoint.base", "layout"),
    (r"names exported from the stub", "names"),
    (r"is read-only at runtime", "read-only"),
    (r"variable differs|is not a (?:type|function)", "type"),
]


def word_for(sentence):
    for pattern, word in WORDS:
        found = re.search(pattern, sentence)
        if found:
            return " ".join((word, *found.groups()))
    raise ValueError(f"stubtest has a new sentence: {sentence!r}")


def stub_differences(python=sys.executable):
    """Return the set of (object, what is wrong) that `python` finds in its gevent. Takes seconds."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [python, "-m", "mypy.stubtest", "gevent", "--concise"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=cache,
            env={**os.environ, "MYPY_CACHE_DIR": cache, "NO_COLOR": "1"},
        )
    # 1: it found something. When it cannot begin it says so in a line that begins with "error:".
    lines = done.stdout.splitlines()
    if (
        done.returncode not in (0, 1)
        or done.stderr.startswith("error")
        or any(not x.startswith("gevent") for x in lines)
    ):
        raise RuntimeError(f"stubtest failed:\n{done.stdout[:2000]}\n{done.stderr[-2000:]}")
    # A module that the stubs do not know of has nothing to be compared with.
    told = [line.partition(" ") for line in lines if not line.endswith("failed to find stubs")]
    return {(name, word_for(sentence)) for name, _, sentence in told}


if __name__ == "__main__":
    for difference in sorted(stub_differences()):
        print(*difference, sep="\t")
