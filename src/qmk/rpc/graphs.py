"""The graph inside a request: decoded once, from the frame's own bytes."""

from __future__ import annotations

from typing import Any

from qmk.base.errors import Finding
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
