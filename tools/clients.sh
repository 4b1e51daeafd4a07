#!/usr/bin/env bash
# Makes .venv-clients from tools/clients.lock: unmodified clients of other services, which the gateway is tested with. It
# finds in .venv what both need, NumPy and the like, so it is small: 130 MB, half a minute.
#
# A stamp says which lock it was made from; an equal one ends at once. With --check nothing is made: the exit code says
# whether anything would be.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv-clients
wanted() { cat requirements.lock tools/clients.lock tools/clients.sh | sha256sum | cut -d ' ' -f 1; }

if [[ -x $venv/bin/python && -f $venv/.stamp && $(<"$venv/.stamp") == "$(wanted)" ]]; then exit 0; fi
if [[ ${1:-} == --check ]]; then exit 1; fi
echo "clients: making $venv from tools/clients.lock (first time: half a minute)"
rm -rf "$venv"
.venv/bin/python -m venv "$venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
"$venv/bin/python" -m pip install --quiet --no-deps --require-hashes -r tools/clients.lock
.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
  >"$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/shared.pth"
wanted >"$venv/.stamp"
