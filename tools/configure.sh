#!/usr/bin/env bash
# Configures build/dev once, with $GEVENT_CMAKE_OPTIONS if any; afterwards CMake looks after itself. Called with
# build/.lock held.
set -euo pipefail
cd "$(dirname "$0")/.."
[ ! -f build/dev/build.ninja ] || exit 0
bin=$PWD/.venv/bin
if ! "$bin/cmake" -S . -B build/dev -G Ninja -DCMAKE_MAKE_PROGRAM="$bin/ninja" -DPython_EXECUTABLE="$bin/python" \
  -DGEVENT_INPLACE=ON ${GEVENT_CMAKE_OPTIONS-} >build/cmake-dev.log 2>&1; then
  # What is missing has said so in one line that starts with "gevent-mp needs"; otherwise all of it is of use.
  grep -m 1 'gevent-mp needs' build/cmake-dev.log >&2 && exit 2
  cat build/cmake-dev.log >&2
  exit 1
fi
