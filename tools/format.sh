#!/usr/bin/env bash
# Formats what can be formatted, or says what is not in shape; spelling is only ever said.
#
# Usage: tools/format.sh --fix|--check [--only clang-format|ruff|cython-lint|codespell] [FILES]
# Without FILES: all that git knows or would add. .pre-commit-config.yaml calls it too.
set -uo pipefail
cd "$(dirname "$0")/.."
mode=${1:---check}
shift || true
only=
if [ "${1-}" = --only ]; then
  only=$2
  shift 2
fi
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
wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
# over TOOL COUNT COMMAND...: calls it if TOOL is wanted and has anything to read.
over() {
  if wanted "$1" && [ "$2" != 0 ]; then "${@:3}" || status=1; fi
}
if [ "$mode" = --fix ]; then
  over clang-format ${#cxx[@]} clang-format -i ${cxx[@]+"${cxx[@]}"}
  over ruff ${#python[@]} ruff check --quiet --fix ${python[@]+"${python[@]}"}
  over ruff ${#python[@]} ruff format --quiet ${python[@]+"${python[@]}"}
else
  over clang-format ${#cxx[@]} clang-format --dry-run -Werror ${cxx[@]+"${cxx[@]}"}
  over ruff ${#python[@]} ruff check ${python[@]+"${python[@]}"}
  over ruff ${#python[@]} ruff format --check ${python[@]+"${python[@]}"}
fi
over cython-lint ${#cython[@]} cython-lint ${cython[@]+"${cython[@]}"}
over codespell ${#files[@]} codespell ${files[@]+"${files[@]}"}
exit $status
