"""Lowers an op on modes of light: it stays what it is, with its modes and cbits by number."""

from __future__ import annotations

from collections.abc import Mapping

from qmk.base.errors import QmkError
from qmk.ir.program import Cond, Detect, Gate
from qmk.qvm.graph import Node


def lower_light(
    node: Node,
    gates: frozenset[str],
    modes: Mapping[str, int],
    cbits: Mapping[str, tuple[int, ...]],
    cond: Cond | None,
) -> Gate:
    """The instruction of ``node``. Raises UNSUPPORTED where it is not among ``gates``."""
    if node.op not in gates:
        text = f"node '{node.id}' ({node.op}): this engine runs no such op on modes of light"
        raise QmkError("UNSUPPORTED", text, node=node.id, op=node.op)
    on = tuple([modes[handle] for handle in node.vqs])
    if not node.produces:
        return Gate(node.op, on, (), cond, node.args)
    written = tuple([cbit for event in node.produces for cbit in cbits[event]])
    return Detect(node.op, on, (), cond, node.args, cbits=written)
