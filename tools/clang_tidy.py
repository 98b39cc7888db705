"""Have clang-tidy read each C++ file of ours that has changed, or includes what has, since it last had nothing to say.

Usage: .venv/bin/python tools/clang_tidy.py [FILES]. Which checks: .clang-tidy. What it has found in order is remembered
in build/clang-tidy, so that only the first run takes minutes. Exit status 1 if it has something to say.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "key_of", "main"]

ROOT = Path(__file__).resolve().parent.parent
CPP = ROOT / "cpp"
BUILD = ROOT / "build" / "dev"
REMEMBERED = ROOT / "build" / "clang-tidy"
DEADLINE_S = 300
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


@cache
def includes(path):
    """Return the set of our own files that `path` includes, directly or not."""
    found = set()
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        for header in (CPP / name, path.parent / name):
            if header.is_file() and header not in found:
                found |= {header, *includes(header)}
    return found


@cache
def how():
    """Return what all answers depend on: the program and its checks."""
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True, timeout=60).stdout
    return version + (ROOT / ".clang-tidy").read_bytes()


def key_of(path, command):
    """Return the name under which it is remembered that clang-tidy had nothing to say of `path`."""
    digest = hashlib.sha256(how() + command.encode())
    for each in sorted({path, *includes(path)}):
        digest.update(each.read_bytes())
    return digest.hexdigest()


def look_at(path, key):
    """Return what clang-tidy says of `path`, or None."""
    done = subprocess.run(
        ["clang-tidy", "-p", str(BUILD), "--quiet", str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    if done.returncode == 0:
        (REMEMBERED / key).touch()
        return None
    return done.stdout or done.stderr


def main(names):
    if shutil.which("clang-tidy") is None:
        print("clang-tidy: cannot be had here, so nothing was looked at")
        return 0
    REMEMBERED.mkdir(parents=True, exist_ok=True)
    commands = json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8"))
    ours = {Path(entry["file"]).resolve(): entry["command"] for entry in commands}
    ours = {path: command for path, command in ours.items() if CPP in path.parents}
    if names:
        wanted = {Path(name).resolve() for name in names}
        ours = {path: command for path, command in ours.items() if path in wanted or wanted & includes(path)}
    keys = {path: key_of(path, command) for path, command in sorted(ours.items())}
    changed = {path: key for path, key in keys.items() if not (REMEMBERED / key).exists()}
    if len(changed) > 20:
        print(f"clang-tidy: {len(changed)} files to look at, which takes minutes, once", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        said = [text for text in executor.map(look_at, changed, changed.values()) if text is not None]
    # A header is complained of once for each file that includes it.
    for text in dict.fromkeys(said):
        print(text)
    print(f"clang-tidy: {len(ours)} files, {len(changed)} of them looked at, {len(said)} not in order")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
