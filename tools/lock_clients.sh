#!/usr/bin/env bash
# Resolves tools/clients.in to tools/clients.lock: what the clients need beside .venv, which they look into as well
# (tools/clients.sh). The large libraries are held at the versions of requirements.lock, and so are not installed twice.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly shared='numpy|scipy|numba|llvmlite|sympy|pandas|matplotlib|networkx|antlr4-python3-runtime'
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
sed -nE "s/^(($shared)==.*) \\\\\$/\1/p" requirements.lock >"$scratch/held.txt"
"${UV:-uv}" pip compile tools/clients.in -c "$scratch/held.txt" --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header -o "$scratch/all.txt"
awk 'NR == FNR { if (/^[^ #]/) have[$1] = 1; next } /^[^ #]/ { on = !($1 in have) } on' \
  requirements.lock "$scratch/all.txt" >tools/clients.lock
