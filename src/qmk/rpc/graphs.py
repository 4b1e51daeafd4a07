"""The program inside a request: its graph, decoded once from the frame's own bytes, or the bytes of its source."""

from __future__ import annotations

import base64
from typing import Any

from qmk.abi.shapes import Program
from qmk.base.errors import Finding, QmkError
from qmk.base.limits import check
from qmk.formats import json_codec
from qmk.formats.warnings import warnings_of
from qmk.qvm.graph import Graph


def graph_of(request: Any) -> tuple[Graph | None, list[Finding]]:
    """The graph of a q_submit or q_estimate request and the warnings of its reader, and of the one that the graph was
    made with; (None, []) when it has none.

    Raises QmkError INVALID_GRAPH with every finding when the graph cannot be read.
    """
    raw = getattr(request, "graph", None)
    if raw is None or not len(raw):
        return None, []
    graph, found = json_codec.decode(bytes(raw))
    told = warnings_of(graph)
    known = {(row.rule, row.message, row.node) for row in told}
    return graph, [*told, *(row for row in found if (row.rule, row.message, row.node) not in known)]


def source_of(program: Program) -> bytes:
    """The program's bytes. Raises INVALID_PARAMS unless exactly one of text and base64 is given."""
    if (program.text is None) == (program.base64 is None):
        raise QmkError("INVALID_PARAMS", "program: give exactly one of 'text' and 'base64'", field="program")
    if program.text is not None:
        data = program.text.encode()
    else:
        try:
            data = base64.b64decode(program.base64 or "", validate=True)
        except ValueError as error:  # binascii.Error is one, and so is text that is not ASCII
            raise QmkError("INVALID_PARAMS", f"program.base64: {error}", field="program.base64") from error
    check("source_bytes", len(data), "program")
    return data
