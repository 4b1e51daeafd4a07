"""Flat programs as graphs, read by the native core: the same graph as the interpreter's, a hundred times sooner.

The core declines whatever is not flat, every error, and all that the interpreter would warn of.
"""

from __future__ import annotations

from qmk.qvm.graph import Graph, unpack
from qmk.sdk.frontend import Source


def read(source: Source, dialect: int) -> Graph | None:
    """The graph; None for what the interpreter must read."""
    import qmk_native

    params = dict(source.params or {})
    if not all(type(value) in (int, float) for value in params.values()):
        return None  # bits, texts and lists have meanings of their own
    try:
        return unpack(qmk_native.read_qasm_graph(source.data, dialect, params or None))
    except (qmk_native.Declined, OverflowError):
        return None
