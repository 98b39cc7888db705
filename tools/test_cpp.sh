#!/usr/bin/env bash
# Builds the C++ tests and runs them.
#
# Usage: tools/test_cpp.sh plain|bridge|asan|tsan|portable [DOCTEST OPTIONS, such as -tc='release*' or -sf='*semaphore*']
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-plain}
tests=gevent_tests path=tests/cpp
shift || true
mkdir -p build
exec 9>build/.lock
flock 9
tools/system.sh test
tools/venv.sh
bin=$PWD/.venv/bin

case $kind in
  plain) folder=build/dev ;;
  bridge) folder=build/dev tests=gevent_bridge_tests path=tests/cpp/python ;; # cpp/python, in an interpreter
  asan) folder=build/cpp-asan sanitizer=address,undefined ;;
  tsan) folder=build/cpp-tsan sanitizer=thread ;;
  portable) folder=build/cpp-portable ;; # without what Linux has beyond other kernels
  *) echo "usage: $0 plain|bridge|asan|tsan|portable [doctest options]" >&2; exit 2 ;;
esac
if [ "$folder" = build/dev ]; then
  tools/configure.sh
elif [ ! -f "$folder/build.ninja" ]; then
  case $kind in
    portable) options=(-DGEVENT_PORTABLE=ON -DCMAKE_BUILD_TYPE=Portable -DCMAKE_CXX_FLAGS=-O0) ;;
    *) options=(-DGEVENT_SANITIZE=$sanitizer) ;;
  esac
  "$bin/cmake" -S . -B "$folder" -G Ninja -DCMAKE_MAKE_PROGRAM="$bin/ninja" -DGEVENT_BINDINGS=OFF "${options[@]}" >"build/cmake-$kind.log" || { cat "build/cmake-$kind.log"; exit 1; }
fi
"$bin/ninja" -C "$folder" --quiet "$tests"
flock -u 9

program=$folder/$path/$tests
if [ ! -x "$program" ]; then
  echo "no C++ tests of kind $kind"
  exit 0
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1:halt_on_error=1:color=never}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1:color=never}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1:color=never:suppressions=$PWD/tests/cpp/tsan.supp}
exec timeout "${GEVENT_CPP_DEADLINE:-300}" "$program" --no-colors "$@" </dev/null
