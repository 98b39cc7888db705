#!/usr/bin/env bash
# Sees to the system packages that `build`, `test` or `check` needs: through apt where it may, else says what to install.
#
# Usage: tools/system.sh build|test. Exit status 2 when something is missing and could not be installed.
set -euo pipefail
purpose=${1:-build}
python=${PYTHON:-python3}
missing=()

has() { command -v "$1" >/dev/null 2>&1; }
has_header() { echo "#include <$1>" | "${CXX:-c++}" -x c++ -std=c++20 -fsyntax-only - >/dev/null 2>&1; }

has "$python" || missing+=(python3)
if has "$python"; then
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "make: $python is older than Python 3.10; install a newer one and say PYTHON=python3.X" >&2; exit 2; }
  "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include") + "/Python.h")')
  [ -f "$header" ] || missing+=(python3-dev)
fi
has "${CXX:-c++}" && has_header concepts || missing+=(g++)
has flock || missing+=(util-linux)
has_header ev.h || has_header libev/ev.h || missing+=(libev-dev)
if [ "$purpose" = test ]; then
  has_header doctest/doctest.h || missing+=(doctest-dev)
fi
[ ${#missing[@]} -gt 0 ] || exit 0

advice="make: missing; install them first: apt-get install ${missing[*]}"
if has apt-get; then
  if [ "$(id -u)" = 0 ]; then as_root=()
  elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then as_root=(sudo)
  else echo "$advice" >&2; exit 2
  fi
  echo "make: apt-get install ${missing[*]}"
  run() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive "$@" </dev/null >>build/apt.log 2>&1; }
  mkdir -p build
  if run apt-get install -y --no-install-recommends "${missing[@]}" ||
     { run apt-get update && run apt-get install -y --no-install-recommends "${missing[@]}"; }; then
    exit 0
  fi
fi
echo "$advice" >&2
exit 2
