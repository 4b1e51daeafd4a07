"""A circuit of gates as the product of states that it ends in: what begins in |0..0> joins fewer qubits than its gates
are on, as a control that is known is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import qmk_native

from qmk.worker.native import MEMORY_BYTES

NARROW = 12
"""Fewer qubits are not worth a look."""


class Parts:
    """``parts``: (qubits, plan in double precision) of each factor."""

    def __init__(self, circuit: qmk_native.Circuit) -> None:
        rewritten, _ = qmk_native.rewrite(circuit, keep_state=True)
        self.parts = [(qubits, qmk_native.DensePlan(part, "f64", MEMORY_BYTES)) for qubits, part in split(rewritten)]

    def expectation(self, paulis: Sequence[str]) -> list[float]:
        """Of Pauli strings, one letter a qubit: the product over the factors."""
        factors: list[list[float]] = []
        for qubits, plan in self.parts:
            pieces = ["".join([text[q] for q in qubits]) for text in paulis]
            wanted = list({piece for piece in pieces if piece.strip("I")})
            values = {"I" * len(qubits): 1.0, **dict(zip(wanted, plan.expectation(wanted), strict=True))}
            factors.append([values[piece] for piece in pieces])
        return [math.prod(each) for each in zip(*factors, strict=True)]


def split(circuit: qmk_native.Circuit) -> list[tuple[list[int], qmk_native.Circuit]]:
    """The circuits on qubits that no gate joins to others, with their qubits in ascending order."""
    rows = circuit.rows()[0]
    above = list(range(circuit.n_qubits))

    def find(qubit: int) -> int:
        while above[qubit] != qubit:
            above[qubit] = qubit = above[above[qubit]]
        return qubit

    for row in rows:
        first, *others = row[1]
        for other in others:
            above[find(other)] = find(first)
    members: dict[int, list[int]] = {}
    for qubit in range(circuit.n_qubits):
        members.setdefault(find(qubit), []).append(qubit)
    place = {qubit: at for group in members.values() for at, qubit in enumerate(group)}
    ops: dict[int, list[Any]] = {root: [] for root in members}
    for kind, qubits, *rest in rows:
        ops[find(qubits[0])].append((kind, [place[qubit] for qubit in qubits], *rest))
    return [(group, qmk_native.Circuit(len(group), 0, ops[root])) for root, group in members.items()]
