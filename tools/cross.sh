#!/usr/bin/env bash
# Compiles the core, the bridge and the C++ tests for systems that this machine is not, and links the test program.
#
# Usage: tools/cross.sh [run] [TARGET ...]; targets below, all of them by default. `run`: afterwards runs the tests of
# those targets that qemu can run (Linux), and has the Darwin programs linked with a whole C++ library.
#
# In build/cross/: a folder per target. In the user's cache, for all trees: zig, which has macOS' and glibc's headers, what
# it has compiled of its own libraries, and the sources of libev, libuv and c-ares, from the distribution or as
# deps/pinned.cmake says. Incremental, and with ccache one tree profits from another. Exit status 2: something could not be
# had, such as zig without a network. docs/platforms.rst says what this proves.
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
compilers=$cache/gevent-mp/zig-$(cksum <tools/cross/requirements.txt | tr ' ' -)
sources=$cache/gevent-mp/sources-$(cksum <deps/pinned.cmake | tr ' ' -)
flags="-O0 -g0 -fno-sanitize=undefined"
# zig keeps what it has compiled, the parts of its libraries among them.
export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-$cache/zig} ZIG_LOCAL_CACHE_DIR=$top/zig-cache
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_COMPILERTYPE=clang

# A folder of the cache is filled by one tree at a time, and is whole once it has a file `complete`.
fill() { # FOLDER COMMAND
  [ ! -e "$1/complete" ] || return 0
  mkdir -p "$1"
  exec 8>"$1/.lock"
  flock 8
  if [ ! -e "$1/complete" ]; then
    "$2" "$1"
    touch "$1/complete"
  fi
  flock -u 8
}

install_zig() { # FOLDER
  echo "make: getting zig, a compiler for other systems"
  local pause
  # pip itself tries again when it finds no connection, but not when one ends in the middle of these 100 MB.
  for pause in 5 15 ""; do
    rm -rf "$1/ziglang"
    "$bin/python" -m pip install -q --retries 8 --disable-pip-version-check --no-compile --target "$1" \
      -r tools/cross/requirements.txt >"$top/zig.log" 2>&1 && return 0
    [ -z "$pause" ] || sleep "$pause"
  done
  tail -3 "$top/zig.log" >&2
  echo "make: no compiler for other systems, so nothing was compiled for them: pip could not install" \
    "tools/cross/requirements.txt; is a package index reached?" >&2
  exit 2
}

# The distribution's source packages, with package lists of our own: the system's setting is left alone. Where there are
# none, CMake downloads what deps/pinned.cmake says.
get_sources() { # FOLDER
  command -v apt-get >/dev/null || return 0
  echo "make: getting the sources of libev, libuv and c-ares"
  rm -rf "$1/apt"
  mkdir -p "$1/apt/parts" "$1/apt/lists/partial" "$1/apt/packages"
  local each name archive
  for each in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -f "$each" ] || continue
    case $each in
      *.sources) sed 's/^Types:.*/Types: deb-src/' "$each" >"$1/apt/parts/${each##*/}" ;;
      *.list) sed -n 's/^deb /deb-src /p' "$each" >"$1/apt/parts/${each##*/}" ;;
    esac
  done
  local apt=(apt-get -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$1/apt/parts"
    -o "Dir::State::Lists=$1/apt/lists" -o APT::Sandbox::User= -o Acquire::Retries=5)
  { "${apt[@]}" update; (cd "$1/apt/packages" && "${apt[@]}" source --download-only libev libuv1 c-ares); } \
    >"$top/apt.log" 2>&1 </dev/null || true
  for name in libev libuv c-ares; do
    archive=$(ls "$1/apt/packages/$name"*.orig.tar.* 2>/dev/null | grep -v '\.asc$' | head -1) || true
    [ -n "$archive" ] || { rm -rf "$1/libev" "$1/libuv" "$1/c-ares"; break; }
    mkdir -p "$1/$name"
    tar -xf "$archive" --strip-components=1 -C "$1/$name"
  done
  rm -rf "$1/apt"
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

# CMake wants one program for each tool. ccache knows a compiler by its time, so they are written once.
write_tools() { # TARGET FOLDER
  local tool text
  mkdir -p "$2"
  for tool in cc c++ ar ranlib; do
    text="exec '$compilers/ziglang/zig' $tool"
    case $tool in cc | c++) text+=" -target $1" ;; esac
    text="#!/bin/sh"$'\n'"$text \"\$@\""
    [ "$(cat "$2/$tool" 2>/dev/null)" = "$text" ] || { echo "$text" >"$2/$tool.$$"; chmod +x "$2/$tool.$$"; mv "$2/$tool.$$" "$2/$tool"; }
  done
}

configure() { # TARGET FOLDER
  local recipe where=()
  recipe=$(cat tools/cross.sh tools/cross/toolchain.cmake deps/pinned.cmake | cksum)
  [ ! -f "$2/build.ninja" ] || [ "$(cat "$2/.recipe" 2>/dev/null)" != "$recipe" ] || return 0
  [ ! -d "$sources/c-ares" ] || where=(-DGEVENT_DEPS_SOURCES="$sources")
  # zig would add checks for undefined behaviour; the sanitizer runs have them.
  rm -rf "$2"
  "$bin/cmake" -S . -B "$2" -G Ninja -DCMAKE_MAKE_PROGRAM="$bin/ninja" -DCMAKE_BUILD_TYPE=Cross -Wno-dev -Wno-deprecated \
    -DCMAKE_TOOLCHAIN_FILE="$PWD/tools/cross/toolchain.cmake" -DGEVENT_TARGET="$1" -DGEVENT_TARGET_TOOLS="$compilers/tools/$1" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" -DGEVENT_BINDINGS=OFF -DGEVENT_DEPS_PINNED=ON \
    -DDOCTEST_INCLUDE="$top/include" -DGEVENT_BRIDGE_HEADERS="$top/include" ${where[@]+"${where[@]}"} \
    >"$2.log" 2>&1 || {
    cat "$2.log" >&2
    [ -d "$sources/c-ares" ] || { echo "make: nothing was compiled for other systems: no sources of libev, libuv, c-ares" >&2; exit 2; }
    return 1
  }
  echo "$recipe" >"$2/.recipe"
}

build() { # TARGET
  write_tools "$1" "$compilers/tools/$1"
  configure "$1" "$top/$1"
  "$bin/ninja" -C "$top/$1" -k 0 gevent_tests gevent_bridge >"$top/$1.log" 2>&1 ||
    { grep -E "error|warning|undefined|FAILED" -A3 "$top/$1.log" >&2; return 1; }
  case $1 in *-macos) "$bin/python" tools/cross/undefined.py "$top/$1/tests/cpp/gevent_tests" ;; esac
  echo "$1: compiled and linked"
}

# Once with zig's own C++ library, a minute's work the first time, so that nothing at all is left undefined.
link_whole() { # TARGET
  (cd "$top/$1" && "$bin/ninja" -t commands gevent_tests | tail -1 >link.command &&
    sed -e 's,/cc ,/c++ ,' -e 's/-Wl,-undefined,dynamic_lookup//' -e 's,-o tests/cpp/gevent_tests,-o tests/cpp/gevent_tests.whole,' \
      link.command >link.whole && sh ./link.whole)
  echo "$1: linked with a whole C++ library"
}

run_tests() { # TARGET
  # The search through the steps of waking goes through every order of them by itself: it finds the same on any machine,
  # and would take qemu most of an hour. And a thread of qemu's own is one that nobody knows.
  local qemu=qemu-${1%%-*} but=(--source-file-exclude="*wake_protocol_test*,*foreign_threads_test*")
  # qemu 7 itself ends by an assertion when the forked child of a program with threads starts one; 11 does not.
  case $("$qemu" --version) in *"version 7."*) but+=(-tce="a forked child has none of its parent's errands*") ;; esac
  QEMU_LD_PREFIX=/usr/$1 timeout "${GEVENT_CPP_DEADLINE:-900}" "$qemu" "$top/$1/tests/cpp/gevent_tests" \
    --no-colors "${but[@]}" </dev/null
}

fill "$compilers" install_zig
fill "$sources" get_sources
gather_headers
for target in "${targets[@]}"; do build "$target"; done
[ -n "$run" ] || exit 0
for target in "${targets[@]}"; do
  case $target in *-macos) link_whole "$target" ;; esac
done
for target in "${targets[@]}"; do
  case $target in *-macos) ;; *) run_tests "$target" ;; esac
done
