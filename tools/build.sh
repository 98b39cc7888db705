#!/usr/bin/env bash
# Builds the developer tree: .venv with every tool, then native modules into src/gevent/_native/.
#
# Usage: tools/build.sh [NINJA ARGUMENTS]. PYTHON chooses the interpreter that makes .venv (default python3).
# Incremental, and safe to run from several shells at once: they take turns.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
exec 9>build/.lock
flock 9

tools/system.sh build
tools/venv.sh

bin=$PWD/.venv/bin
tools/configure.sh
# A binding whose source is gone must not stay importable.
for module in src/gevent/_native/*.cpython-*.so; do
  stem=${module##*/}
  stem=${stem%%.*}
  if [ -f "$module" ] && [ ! -f "src/gevent/_native/$stem.pyx" ]; then rm -f "$module"; fi
done
# -k 0: one broken module does not keep the others from being built; the exit status still tells.
"$bin/ninja" -C build/dev -k 0 "$@"
# Where bytecode is not written on import (PYTHONDONTWRITEBYTECODE), every start would compile all of it again.
"$bin/python" -m compileall -q src/gevent
