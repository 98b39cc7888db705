#!/usr/bin/env bash
# Sees to the system packages that the build or the C++ tests need: through apt where it may, else says what to install.
#
# Usage: tools/system.sh build|test|check|cross|cross-run. Exit status 2 when something is missing and could not be installed.
set -euo pipefail
purpose=${1:-build}
python=${PYTHON:-python3}
needed=()    # there is no build without it
welcome=()   # better from the system; deps/ builds it otherwise

has() { command -v "$1" >/dev/null 2>&1; }
has_header() { echo "#include <$1>" | "${CXX:-c++}" -x c++ -std=c++20 -fsyntax-only - >/dev/null 2>&1; }

look() {
  needed=() welcome=()
  if ! has "$python"; then
    needed+=(python3 python3-venv python3-dev)
  else
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
      echo "make: $python is older than Python 3.10; install a newer one and say PYTHON=python3.X" >&2
      exit 2
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || needed+=(python3-venv)
    [ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || needed+=(python3-dev)
  fi
  if ! has "${CXX:-c++}" || ! has_header concepts; then needed+=(g++); fi
  has flock || needed+=(util-linux)
  has_header ev.h || has_header libev/ev.h || welcome+=(libev-dev)
  has_header uv.h || welcome+=(libuv1-dev)
  has_header ares.h || welcome+=(libc-ares-dev)
  case $purpose in test | cross*) has_header doctest/doctest.h || needed+=(doctest-dev) ;; esac
  if [ "$purpose" = check ]; then
    has clang-tidy || needed+=(clang-tidy)
  fi
  if [ "$purpose" = cross-run ]; then
    has qemu-aarch64 || needed+=(qemu-user)
    [ -e /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 ] || needed+=(libc6-arm64-cross)
  fi
}

install() {
  has apt-get || return 1
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    has sudo || return 1
    # Without a terminal sudo could only hang or fail asking for a password.
    sudo -n true 2>/dev/null || [ -t 0 ] || return 1
    as_root=(sudo)
  fi
  mkdir -p build
  echo "make: apt-get install $*"
  local apt=(${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q)
  "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >build/apt.log 2>&1 ||
    { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } </dev/null >>build/apt.log 2>&1
}

look
[ ${#needed[@]} -gt 0 ] || [ ${#welcome[@]} -gt 0 ] || exit 0
install ${needed[@]+"${needed[@]}"} ${welcome[@]+"${welcome[@]}"} || true
look
[ ${#needed[@]} -gt 0 ] || exit 0
echo "make: missing; install first: apt-get install ${needed[*]} ${welcome[*]-}" >&2
exit 2
