#!/usr/bin/env bash
# Compares the locked packages with published advisories. Ends with 1 where a package has one, and with 2 where nothing can
# be said: without the package index or its advisories.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
found=$folder/found.json

uv=${UV:-uv}
if command -v "$uv" >/dev/null 2>&1; then
  pip_audit=("$uv" tool run pip-audit)
else
  python3 -m venv "$folder/venv"
  pip_audit=("$folder/venv/bin/pip-audit")
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check pip-audit || {
    echo "audit: NOT CHECKED: pip-audit cannot be installed, see above" >&2
    exit 2
  }
fi
if "${pip_audit[@]}" --requirement requirements.lock --disable-pip --require-hashes --progress-spinner off \
  --format json --output "$found" "$@"; then
  echo "audit: no locked package has an advisory"
elif [[ -s $found ]]; then
  echo "audit: locked packages have advisories; upgrade them with 'make lock':" >&2
  python3 - "$found" >&2 <<'END'
import json, sys
for package in json.load(open(sys.argv[1]))["dependencies"]:
    for each in package.get("vulns", ()):
        print(f"  {package['name']} {package['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'no release'}")
END
  exit 1
else
  echo "audit: NOT CHECKED: the package index or the service of advisories cannot be reached, see above" >&2
  exit 2
fi
