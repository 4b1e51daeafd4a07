"""Front-end ``qvm-json``: QVM graphs as JSON, versions 0.1 and 1.0. Written as 1.0, indented."""

from __future__ import annotations

import msgspec

from qmk.formats import json_codec
from qmk.formats.json_shape import KEYS_10
from qmk.formats.warnings import add_warnings
from qmk.qvm.graph import Graph
from qmk.sdk.frontend import Frontend, Refused, Source, json_object, report_refused


def recognise(data: bytes) -> int:
    """A JSON object with keys of ours, certainly ours when it speaks of a program and nodes."""
    head = json_object(data)[:4096]
    if not head:
        return 0
    if b'"program"' in head and b'"nodes"' in head:
        return 100
    return 80 if any(b'"%s"' % key.encode() in head for key in ("nodes", *KEYS_10)) else 0


def parse(source: Source) -> Graph:
    with report_refused({}, source):
        if source.params:
            message = f"QVM JSON has no parameters; '{next(iter(source.params))}' is given"
            raise Refused("QVM-J20", message, "write assembly with .param instead")
        graph, found = json_codec.decode(source.data)
    found = [msgspec.structs.replace(row, file=source.name) for row in found]
    return msgspec.structs.replace(graph, metadata=add_warnings(graph.metadata, found)) if found else graph


def emit(graph: Graph) -> bytes:
    return json_codec.encode(graph, "1.0", indent=2)


FRONTEND = Frontend("qvm-json", "QVM graphs as JSON, 0.1 and 1.0", (".qvm.json", ".json"), recognise, parse, emit)
