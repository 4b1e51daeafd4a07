#!/usr/bin/env bash
# Builds the documentation into the folder site/, without the network once its environment is there.
#
# Beside each tutorial stands its executed notebook, checked by nbformat (tools/notebooks.py, with QMK's own environment).
#
# Makes .venv-docs from tools/docs.lock where it is missing or of another lock: 160 MB, a quarter of a minute. A stamp says
# which lock it was made from.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv-docs
wanted() { cat tools/docs.lock tools/site.sh | sha256sum | cut -d ' ' -f 1; }

if ! [[ -x $venv/bin/mkdocs && -f $venv/.stamp && $(<"$venv/.stamp") == "$(wanted)" ]]; then
  echo "site: making $venv from tools/docs.lock (first time: a quarter of a minute)"
  rm -rf "$venv"
  .venv/bin/python -m venv "$venv"
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 "$venv/bin/python" -m pip install --quiet --no-deps --require-hashes -r tools/docs.lock
  wanted >"$venv/.stamp"
fi
NO_MKDOCS_2_WARNING=1 "$venv/bin/mkdocs" build --quiet --strict --site-dir site
PYTHONPATH=src nice .venv/bin/python tools/notebooks.py site/tutorials
"$venv/bin/python" - <<'PY'
import pathlib, nbformat

for path in pathlib.Path("site/tutorials").glob("*.ipynb"):
    nbformat.validate(nbformat.read(path, 4))
PY
if grep -rlE '<(script|link|img|iframe)[^>]*(src|href)="?(https?:)?//' site --include='*.html'; then
  echo "site: the pages above load something from another host" >&2
  exit 1
fi
echo "site: $(find site -name '*.html' | wc -l) pages in site/; search needs a server: python3 -m http.server --directory site"
