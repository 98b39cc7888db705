#!/usr/bin/env bash
# Builds the pages into build/docs; a warning is an error. Installs what they need into .venv, once.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python -c 'import furo, sphinx' 2>/dev/null ||
  .venv/bin/python -m pip install -q --disable-pip-version-check -r docs/requirements.txt
.venv/bin/python -m sphinx -q -W --keep-going -b html docs build/docs
echo "pages: build/docs/index.html"
