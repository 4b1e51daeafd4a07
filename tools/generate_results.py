"""Write the JSON Schema of a result, ``schemas/result-1.0.schema.json``, from ``qmk.client.document``."""

from __future__ import annotations

import json
import sys

import msgspec
from pages import write_or_check

from qmk.client.document import Document


def _any(kind: type) -> dict[str, object]:
    """The schema of a value of any kind, as warnings hold."""
    assert kind is object, kind
    return {"description": "any value of JSON"}


def schema() -> str:
    """JSON Schema (2020-12) of ``Document``, by msgspec from its fields."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:qmk:result:1.0"}
    return json.dumps({**head, **msgspec.json.schema(Document, schema_hook=_any)}, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check({"schemas/result-1.0.schema.json": schema()}, sys.argv[1:]))
