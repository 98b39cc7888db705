#!/usr/bin/env bash
# Makes .venv from $PYTHON (default python3), installs tools/requirements.txt into it and lets it see src/, once per
# change of any of these. Called with build/.lock held.
set -euo pipefail
cd "$(dirname "$0")/.."
chosen=${PYTHON:-}

identity() { "$1" -c 'import sys; print(sys.version_info[:3], sys.base_prefix)'; }
if [ -x .venv/bin/python ] && [ -n "$chosen" ] && [ "$(identity "$chosen")" != "$(identity .venv/bin/python)" ]; then
  echo "make: .venv is of another Python than $chosen; making it anew"
  rm -rf .venv build/dev
fi

# once NAME FILES...: succeeds when FILES have changed since done NAME was last called with them.
once() { local name=$1; shift; [ "$(cat "$@" 2>/dev/null | cksum)" != "$(cat ".venv/.$name" 2>/dev/null)" ]; }
done_with() { local name=$1; shift; cat "$@" | cksum >".venv/.$name"; }

if once tools-stamp tools/requirements.txt; then
  echo "make: setting up .venv"
  [ -x .venv/bin/python ] || "${chosen:-python3}" -m venv .venv
  if ! .venv/bin/python -m pip install -q --disable-pip-version-check -r tools/requirements.txt; then
    echo "make: pip could not install tools/requirements.txt into .venv; is a package index reached?" >&2
    exit 2
  fi
  done_with tools-stamp tools/requirements.txt
fi

# The sources are used where they are. The metadata beside them is what tells gevent's plugins and version by name.
metadata=(pyproject.toml setup.py src/gevent/__init__.py)
if [ -f src/gevent/__init__.py ] && once metadata-stamp "${metadata[@]}"; then
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  rm -rf "$site"/gevent_mp-*.dist-info
  .venv/bin/python setup.py -q dist_info --output-dir "$site" >build/metadata.log 2>&1 || { cat build/metadata.log >&2; exit 1; }
  echo "$PWD/src" >"$site/gevent-mp-developer.pth"
  done_with metadata-stamp "${metadata[@]}"
fi
