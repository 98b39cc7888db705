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
# A binding that used to have a file of its own would be found before the one in the library.
for module in src/gevent/_native/*.cpython-*.so; do
  stem=${module##*/}
  stem=${stem%%.*}
  if [ -f "$module" ] && [ "$stem" != ares ] && [ "$stem" != libgevent_native ]; then rm -f "$module"; fi
done
# -k 0: one broken module does not keep the others from being built; the exit status still tells.
"$bin/ninja" -C build/dev -k 0 "$@"
# Where bytecode is not written on import (PYTHONDONTWRITEBYTECODE), every start would compile all of it again.
"$bin/python" -m compileall -q src/gevent
