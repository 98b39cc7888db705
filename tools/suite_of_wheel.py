"""Install a wheel into an environment that has nothing else, and run gevent's own suite with it.

Usage: PYTHON tools/suite_of_wheel.py FOLDER_OF_WHEELS [OPTIONS of tests/upstream/run_upstream.py]; the wheel for the
interpreter that runs this is taken. Prints what the doctor says, the suite's counts, and the tests lost that
tests/upstream/differences.toml does not know. Exit status 1 if there are any.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "upstream"))
from losses import differences, losses  # noqa: E402

DEADLINE_S = 1500

__all__ = ["main"]


def run(*command, check=True):
    print("+", *command, flush=True)
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(word) for word in command], env=variables, stdin=subprocess.DEVNULL, check=check, timeout=DEADLINE_S
    )


def main(words):
    tag = "cp{}{}".format(*sys.version_info[:2])
    (wheel,) = sorted(Path(words[0]).glob(f"gevent_mp-*-{tag}-*.whl"))
    work = ROOT / "build" / "wheels" / f"suite-{tag}"
    python = work / "environment" / "bin" / "python"
    run(sys.executable, "-m", "venv", "--clear", work / "environment")
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run(*pip, wheel.resolve())
    run(python, "-m", "gevent", "doctor")
    # What the suite itself asks for.
    run(*pip, "dnspython", "psutil", "requests", "objgraph", "setuptools<82")
    run(
        *(python, ROOT / "tests/upstream/run_upstream.py", "--python", python, "-q", "-j2", "--out", work / "results"),
        *words[1:],
        check=False,
    )
    numbers = json.loads((work / "results" / "summary.json").read_text())
    lost = losses(work / "results").keys() - differences(("wheel", "libev", "thread")).keys()
    print(f"{wheel.name}: {numbers}")
    for file, test in sorted(lost):
        print(f"LOST {file} {test}")
    return 1 if lost else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
