"""Flat programs as graphs, read by the native core: the same graph as the interpreter's, a hundred times sooner.

The core declines whatever is not flat, every error, and all that the interpreter would warn of.
"""

from __future__ import annotations

from functools import cache
from typing import cast

from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import Graph, unpack
from qmk.sdk.frontend import Source


def read(source: Source, dialect: int) -> Graph | None:
    """The graph; None for what the interpreter must read."""
    import qmk_native

    params = source.params or {}
    numbers = {name: value for name, value in params.items() if type(value) in (int, float)}
    if len(numbers) < len(params):
        return None  # bits, texts and lists have meanings of their own
    if any(definition in source.data for definition in _definitions_to_come()):
        return None
    try:
        return unpack(qmk_native.read_qasm_graph(source.data, dialect, cast("dict[str, float]", numbers) or None))
    except (qmk_native.Declined, OverflowError):
        return None


@cache
def _definitions_to_come() -> tuple[bytes, ...]:
    """How definitions begin of gates that were declared since the core was built: it would take them for any gate."""
    import qmk_native

    known = {name for name, *_ in qmk_native.KINDS}.union(qmk_native.LOWERED)
    return tuple(f"gate {name}".encode() for name in FIXED_SIZE.keys() - known)
