"""Straight circuits, gates and then measurements, as rows with names, for the compilers of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from qmk_native import Circuit

Rows: TypeAlias = Sequence[tuple[str, list[int], list[float], int]]
"""Name, qubits, angles, and the classical bit of a measurement or -1."""


def rows_of(circuit: Circuit) -> Rows | None:
    """The instructions of a circuit; None for one that has conditions, resets, noise or logic, or that uses a qubit
    after its measurement: other compilers treat these in ways of their own."""
    import qmk_native

    ops, _, _ = circuit.rows()
    measured: set[int] = set()
    made: list[tuple[str, list[int], list[float], int]] = []
    for kind, qubits, params, cond, cbit, _ in ops:
        name = qmk_native.KINDS[kind][0]
        if cond >= 0 or name in ("reset", "noise", "noise2", "logic") or measured.intersection(qubits):
            return None
        if name == "measure":
            measured.update(qubits)
            if cbit < 0:
                continue  # nobody looks
        made.append((name, qubits, params, cbit))
    return made


def with_ops(rows: Rows, n_qubits: int, like: Circuit) -> Circuit:
    """A circuit of these rows, with the classical side of ``like``."""
    import qmk_native

    rows = [part for row in rows for part in (_ecr(row[1]) if row[0] == "ecr" else (row,))]
    kinds = {name: at for at, (name, _, _) in enumerate(qmk_native.KINDS)}
    ops = [(kinds[name], qubits, params, -1, cbit, -1) for name, qubits, params, cbit in rows]
    return qmk_native.Circuit(n_qubits, like.n_cbits, ops, [], [], like.registers)


def _ecr(pair: list[int]) -> Rows:
    a, b = pair
    return (("s", [a], [], -1), ("sx", [b], [], -1), ("cnot", [a, b], [], -1), ("x", [a], [], -1))
