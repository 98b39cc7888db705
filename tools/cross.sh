#!/usr/bin/env bash
# Compiles the core, the bridge and the C++ tests for systems that this machine is not, and links the test program.
#
# Usage: tools/cross.sh [run] [TARGET ...]; targets below, all of them by default. `run`: afterwards runs the tests of
# those targets that qemu can run (Linux), and has the Darwin programs linked with a whole C++ library.
#
# In build/cross/: the sources of libev, libuv and c-ares, from the distribution or as deps/pinned.cmake says, and a folder
# per target. In the user's cache, for all trees: zig, which has macOS' headers. Incremental, and with ccache one tree
# profits from another. docs/platforms.rst says what this proves.
set -euo pipefail
cd "$(dirname "$0")/.."
targets=(aarch64-macos x86_64-macos aarch64-linux-gnu)
run=
if [ "${1-}" = run ]; then run=yes; shift; fi
[ $# = 0 ] || targets=("$@")
top=$PWD/build/cross
bin=$PWD/.venv/bin
mkdir -p "$top"
exec 9>"$top/.lock"
flock 9
tools/system.sh "cross${run:+-run}"
cache=${XDG_CACHE_HOME:-${HOME:-$top}/.cache}
compilers=$cache/gevent-mp/$(cksum <tools/cross/requirements.txt | tr ' ' -)
# zig keeps what it has compiled, the parts of its libraries among them.
export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-$cache/zig} ZIG_LOCAL_CACHE_DIR=$top/zig-cache
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_COMPILERTYPE=clang

once() { [ "$(cat "$top/.$1" 2>/dev/null)" = "$2" ] || return 0; return 1; }
done_with() { echo "$2" >"$top/.$1"; }

install_zig() {
  [ ! -e "$compilers/complete" ] || return 0
  echo "make: getting a compiler for macOS"
  mkdir -p "$compilers"
  exec 8>"$compilers/.lock"
  flock 8
  [ ! -e "$compilers/complete" ] || return 0
  rm -rf "$compilers/zig"
  if ! "$bin/python" -m pip install -q --disable-pip-version-check --no-compile --target "$compilers/zig" \
    -r tools/cross/requirements.txt >"$top/zig.log" 2>&1; then
    echo "make: pip could not install tools/cross/requirements.txt; is a package index reached?" >&2
    exit 2
  fi
  for target in aarch64-macos x86_64-macos aarch64-linux-gnu; do write_tools "$target" "$compilers/$target"; done
  touch "$compilers/complete"
  flock -u 8
}

# The distribution's source packages, with package lists of our own: the system's setting is left alone. Where there are
# none, CMake downloads what deps/pinned.cmake says.
get_sources() {
  once sources "$(cksum <deps/pinned.cmake)" || return 0
  rm -rf "$top/sources" "$top/apt"
  if command -v apt-get >/dev/null; then
    echo "make: getting the sources of libev, libuv and c-ares"
    mkdir -p "$top/apt/parts" "$top/apt/lists/partial" "$top/apt/packages"
    for each in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
      [ -f "$each" ] || continue
      case $each in
        *.sources) sed 's/^Types:.*/Types: deb-src/' "$each" >"$top/apt/parts/${each##*/}" ;;
        *.list) sed -n 's/^deb /deb-src /p' "$each" >"$top/apt/parts/${each##*/}" ;;
      esac
    done
    local apt=(apt-get -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$top/apt/parts"
      -o "Dir::State::Lists=$top/apt/lists" -o APT::Sandbox::User=)
    { "${apt[@]}" update; (cd "$top/apt/packages" && "${apt[@]}" source --download-only libev libuv1 c-ares); } \
      >"$top/apt.log" 2>&1 </dev/null || true
    local name archive
    for name in libev libuv c-ares; do
      archive=$(ls "$top/apt/packages/$name"*.orig.tar.* 2>/dev/null | grep -v '\.asc$' | head -1) || true
      [ -n "$archive" ] || { rm -rf "$top/sources"; break; }
      mkdir -p "$top/sources/$name"
      tar -xf "$archive" --strip-components=1 -C "$top/sources/$name"
    done
    rm -rf "$top/apt/lists"
  fi
  done_with sources "$(cksum <deps/pinned.cmake)"
}

# A folder that has doctest, Python's headers and greenlet's, and nothing else of this system.
gather_headers() {
  rm -rf "$top/include.new"
  mkdir -p "$top/include.new/doctest"
  "$bin/python" tools/cross/headers.py "$top/include.new"
  if ! diff -rq "$top/include.new" "$top/include" >/dev/null 2>&1; then
    rm -rf "$top/include"
    mv "$top/include.new" "$top/include"
  fi
  rm -rf "$top/include.new"
}

write_tools() { # TARGET FOLDER
  local zig=$compilers/zig/ziglang/zig tool
  mkdir -p "$2"
  case $1 in
    *-macos)
      for tool in cc c++; do printf '#!/bin/sh\nexec "%s" %s -target %s "$@"\n' "$zig" $tool "$1" >"$2/$tool"; done
      for tool in ar ranlib; do printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$zig" $tool >"$2/$tool"; done
      ;;
    *)
      printf '#!/bin/sh\nexec %s-gcc "$@"\n' "$1" >"$2/cc"
      printf '#!/bin/sh\nexec %s-g++ "$@"\n' "$1" >"$2/c++"
      for tool in ar ranlib; do printf '#!/bin/sh\nexec %s-%s "$@"\n' "$1" $tool >"$2/$tool"; done
      ;;
  esac
  chmod +x "$2"/*
}

configure() { # TARGET FOLDER
  [ ! -f "$2/build.ninja" ] || return 0
  local flags=-O0 sources=()
  # zig would add checks for undefined behaviour; the sanitizer runs have them. -O1: it will be run, slowly enough.
  case $1 in *-macos) flags="-O0 -g0 -fno-sanitize=undefined" ;; *) flags=-O1 ;; esac
  [ ! -d "$top/sources/c-ares" ] || sources=(-DGEVENT_DEPS_SOURCES="$top/sources")
  "$bin/cmake" -S . -B "$2" -G Ninja -DCMAKE_MAKE_PROGRAM="$bin/ninja" -DCMAKE_BUILD_TYPE=Cross -Wno-dev -Wno-deprecated \
    -DCMAKE_TOOLCHAIN_FILE="$PWD/tools/cross/toolchain.cmake" -DGEVENT_TARGET="$1" -DGEVENT_TARGET_TOOLS="$compilers/$1" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" -DGEVENT_BINDINGS=OFF -DGEVENT_DEPS_PINNED=ON \
    -DDOCTEST_INCLUDE="$top/include" -DGEVENT_BRIDGE_HEADERS="$top/include" ${sources[@]+"${sources[@]}"} \
    >"$2.log" 2>&1 || { cat "$2.log"; rm -f "$2/build.ninja"; return 1; }
}

build() { # TARGET
  configure "$1" "$top/$1"
  "$bin/ninja" -C "$top/$1" -k 0 gevent_tests gevent_bridge >"$top/$1.log" 2>&1 ||
    { grep -E "error|warning|undefined|FAILED" -A3 "$top/$1.log" >&2; return 1; }
  case $1 in *-macos) "$bin/python" tools/cross/undefined.py "$top/$1/tests/cpp/gevent_tests" ;; esac
  echo "$1: compiled and linked"
}

# Once with zig's own C++ library, a minute's work the first time, so that nothing at all is left undefined.
link_whole() { # TARGET
  (cd "$top/$1" && "$bin/ninja" -t commands gevent_tests | tail -1 >link.command &&
    sed -e 's,/bin/cc ,/bin/c++ ,' -e 's/-Wl,-undefined,dynamic_lookup//' -e 's,-o tests/cpp/gevent_tests,-o tests/cpp/gevent_tests.whole,' \
      link.command >link.whole && sh ./link.whole)
  echo "$1: linked with a whole C++ library"
}

run_tests() { # TARGET
  local processor=${1%%-*}
  QEMU_LD_PREFIX=/usr/$1 timeout "${GEVENT_CPP_DEADLINE:-600}" "qemu-$processor" "$top/$1/tests/cpp/gevent_tests" \
    --no-colors </dev/null
}

install_zig
get_sources
gather_headers
for target in "${targets[@]}"; do build "$target"; done
[ -n "$run" ] || exit 0
for target in "${targets[@]}"; do
  case $target in *-macos) link_whole "$target" ;; esac
done
for target in "${targets[@]}"; do
  case $target in *-macos) ;; *) run_tests "$target" ;; esac
done
