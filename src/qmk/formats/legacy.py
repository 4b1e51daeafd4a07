"""The language of QVM 0.1: its ops, its spelling of arguments, and its limits. The reader accepts more than the writer
writes: 0.1 files in the wild use later ops too."""

from __future__ import annotations

import msgspec

from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

_WORDS = """
    ALLOC_LQ FREE_LQ FENCE_EPOCH BAR_REGION
    APPLY_H APPLY_X APPLY_Y APPLY_Z APPLY_S APPLY_SDG APPLY_T APPLY_TDG APPLY_RX APPLY_RY APPLY_RZ
    APPLY_CNOT APPLY_CZ APPLY_SWAP APPLY_TOFFOLI
    RESET MEASURE_Z MEASURE_X MEASURE_Y MEASURE_ANGLE MEASURE_BELL COND_PAULI TELEPORT_CNOT INJECT_T_STATE
    OPEN_CHAN USE_CHAN CLOSE_CHAN SET_POLICY
"""

OPS_01: frozenset[str] = frozenset(op.name for op in OPS.values() if op.legacy in _WORDS.split())
"""Names of the ops that every 0.1 reader knows."""

ARGS_01: dict[str, dict[str, str]] = {
    "core.condpauli": {"paulis": "mask"},
    "core.mangle": {"theta": "angle"},
}
"""Arguments that 0.1 spells otherwise, by op."""

OPTS_01: frozenset[str] = frozenset({"channel.open"})
"""Ops whose arguments 0.1 wraps in one object ``opts``."""


_PAULIS = {"I": "core.id", "X": "core.x", "Y": "core.y", "Z": "core.z"}


def guarded_pauli(node: Node) -> Node:
    """The Pauli itself under its guard, for a COND_PAULI that depends on its guard alone, as public 0.1 programs write
    it; any other node as it is."""
    if node.op != "core.condpauli" or node.inputs or node.guard is None or len(node.vqs) != 1:
        return node
    pauli = _PAULIS.get(str(node.args.get("paulis")).upper())
    if pauli is None or len(node.args) != 1:
        return node
    return msgspec.structs.replace(node, op=pauli, args={})


def _guard_values(node: Node) -> list[int]:
    values: list[int] = []
    stack = [node.guard] if node.guard else []
    while stack:
        guard = stack.pop()
        stack.extend(guard.conditions)
        if guard.type == "eq":
            values.append(guard.value)
    return values


def gaps(graph: Graph) -> list[tuple[str, str]]:
    """The parts of ``graph`` that QVM 0.1 cannot express, as (node id or "", message)."""
    found: list[tuple[str, str]] = []
    if graph.outputs is not None:
        found.append(("", "QVM 0.1 has no result registers (outputs)"))
    if graph.shots is not None:
        found.append(("", "QVM 0.1 has no default number of shots"))
    for node in graph.nodes:
        if node.op in OPS and node.op not in OPS_01:
            found.append((node.id, f"QVM 0.1 has no op '{node.op}'"))
        if node.op == "core.condpauli" and len(node.vqs) > 1:
            found.append((node.id, "COND_PAULI of QVM 0.1 acts on one qubit"))
        if node.guard is not None and any(value not in (0, 1) for value in _guard_values(node)):
            found.append((node.id, "a guard of QVM 0.1 compares with 0 or 1"))
    return found
