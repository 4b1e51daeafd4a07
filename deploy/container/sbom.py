"""Turns what ``pip inspect`` says into a bill of materials, CycloneDX 1.6 in JSON: python -m pip inspect | sbom.py"""

from __future__ import annotations

import json
import sys
from typing import Any

SPEC = "1.6"


def licence_of(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """What a package says of its licence: an SPDX expression, or its own words on one line."""
    if expression := metadata.get("license_expression"):
        return [{"expression": expression}]
    words = str(metadata.get("license") or "").strip().splitlines()
    return [{"license": {"name": words[0][:200]}}] if words else []


def component(found: dict[str, Any]) -> dict[str, Any]:
    """One installed package, with the digests of the archive that it came from where pip knows them."""
    metadata = found["metadata"]
    name, version = str(metadata["name"]).lower().replace("_", "-"), metadata["version"]
    url = f"pkg:pypi/{name}@{version}"
    archive = found.get("direct_url", {}).get("archive_info", {}).get("hashes", {})
    made: dict[str, Any] = {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
    if archive:
        made["hashes"] = [{"alg": "SHA-256", "content": archive["sha256"]}]
    licences = licence_of(metadata)
    return {**made, "licenses": licences} if licences else made


def bill(inspected: dict[str, Any]) -> dict[str, Any]:
    """The bill of everything installed; the same environment gives the same bytes."""
    components = sorted(map(component, inspected["installed"]), key=lambda found: found["purl"])
    return {"bomFormat": "CycloneDX", "specVersion": SPEC, "version": 1, "components": components}


if __name__ == "__main__":
    json.dump(bill(json.load(sys.stdin)), sys.stdout, indent=1)
