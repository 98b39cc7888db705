#!/usr/bin/env bash
# Builds the fuzz target of cpp/http under the sanitizers and runs it, with libFuzzer if there is a clang that has it.
#
# Usage: tools/fuzz.sh SECONDS [SEED]
set -euo pipefail
# Somebody else's sanitizers, loaded before ours, would not get along with them.
unset LD_PRELOAD
cd "$(dirname "$0")/.."
seconds=${1:?seconds}
seed=${2:-$RANDOM}
mkdir -p build/fuzz/corpus
sources=(cpp/http/*.cc cpp/base/check.cc cpp/base/ip_address.cc tests/fuzz/http_fuzz.cc)
flags=(-std=c++20 -O1 -g1 -Icpp -fno-omit-frame-pointer -fno-sanitize-recover=all)
program=build/fuzz/http_fuzz
newest=$(ls -t cpp/http/*.h "${sources[@]}" tests/fuzz/*.cc "$0" | head -1)
if [ ! -x "$program" ] || [ "$newest" -nt "$program" ]; then
  if ! clang++ "${flags[@]}" -fsanitize=fuzzer,address,undefined -o "$program" "${sources[@]}" 2>build/fuzz/clang.log; then
    ${CXX:-c++} "${flags[@]}" -fsanitize=address,undefined -o "$program" "${sources[@]}" tests/fuzz/driver.cc
    touch build/fuzz/driver
  else
    rm -f build/fuzz/driver
  fi
fi
if [ -e build/fuzz/driver ]; then
  exec "$program" "$seconds" "$seed" tests/fuzz/corpus
fi
exec "$program" -max_total_time="$seconds" -seed="$seed" -max_len=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
  -verbosity=1 build/fuzz/corpus tests/fuzz/corpus
