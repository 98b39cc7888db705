#!/usr/bin/env bash
# Makes .venv from $PYTHON (default python3) and installs tools/requirements.txt into it, once per change of either.
set -euo pipefail
cd "$(dirname "$0")/.."
chosen=${PYTHON:-}
stamp=.venv/.gevent-stamp

identity() { "$1" -c 'import sys; print(sys.version_info[:3], sys.base_prefix)'; }
if [ -x .venv/bin/python ] && [ -n "$chosen" ] && [ "$(identity "$chosen")" != "$(identity .venv/bin/python)" ]; then
  echo "make: .venv is of another Python than $chosen; making it anew"
  rm -rf .venv build/dev
fi
wanted=$(cksum < tools/requirements.txt)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

echo "make: setting up .venv"
[ -x .venv/bin/python ] || "${chosen:-python3}" -m venv .venv
if ! .venv/bin/python -m pip install -q --disable-pip-version-check -r tools/requirements.txt; then
  echo "make: pip could not install tools/requirements.txt into .venv (no package index reached?)" >&2
  exit 2
fi
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$PWD/src" > "$site/gevent-mp-developer.pth"
echo "$wanted" > "$stamp"
