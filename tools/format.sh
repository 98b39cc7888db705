#!/usr/bin/env bash
# Formats what can be formatted, or says what is not in shape.
#
# Usage: tools/format.sh --fix|--check [FILES; default: all that git knows or would add]
set -uo pipefail
cd "$(dirname "$0")/.."
mode=${1:---check}
shift || true
bin=$PWD/.venv/bin
# cython-lint looks for pycodestyle there.
export PATH=$bin:$PATH
list() { git ls-files -z --cached --others --exclude-standard -- "$@" 2>/dev/null | while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\0' "$f"; done; }
if [ $# -gt 0 ]; then patterns=("$@"); else patterns=(.); fi
mapfile -d '' -t files < <(list "${patterns[@]}")
cxx=() python=() cython=()
for file in ${files[@]+"${files[@]}"}; do
  case $file in
    *.cc | *.h) cxx+=("$file") ;;
    *.py | *.pyi) python+=("$file") ;;
    *.pyx | *.pxd | *.pxi) cython+=("$file") ;;
  esac
done

status=0
if [ "$mode" = --fix ]; then
  [ ${#cxx[@]} = 0 ] || $bin/clang-format -i "${cxx[@]}" || status=1
  [ ${#python[@]} = 0 ] || $bin/ruff check --quiet --fix "${python[@]}" || status=1
  [ ${#python[@]} = 0 ] || $bin/ruff format --quiet "${python[@]}" || status=1
else
  [ ${#cxx[@]} = 0 ] || $bin/clang-format --dry-run -Werror "${cxx[@]}" || status=1
  [ ${#python[@]} = 0 ] || $bin/ruff check "${python[@]}" || status=1
  [ ${#python[@]} = 0 ] || $bin/ruff format --check "${python[@]}" || status=1
fi
[ ${#cython[@]} = 0 ] || $bin/cython-lint "${cython[@]}" || status=1
exit $status
