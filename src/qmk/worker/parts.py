"""Values of a circuit of gates from the states whose product it ends in: what begins in |0..0> joins fewer qubits than
its gates are on, as a gate whose control is known is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import qmk_native

NARROW = 12
"""Circuits of fewer qubits are not worth a look."""

LONGEST = 20_000
"""Neither are those of more ops, whose rows would have to be looked at one by one."""


class Parts:
    """The factors of the final state of a circuit of gates and final measurements, in double precision. Raises
    ValueError for any other circuit, MemoryError for one of whose factors there is no room."""

    def __init__(self, circuit: qmk_native.Circuit, memory: int | None = None) -> None:
        rewritten, _ = qmk_native.rewrite(gates_of(circuit), keep_state=True)
        self._parts = [(qubits, qmk_native.DensePlan(part, "f64", memory)) for qubits, part in split(rewritten)]

    @property
    def seconds(self) -> float:
        """Predicted."""
        return sum(plan.cost(1) for _, plan in self._parts)

    def expectation(self, paulis: Sequence[str]) -> list[float]:
        """Of Pauli strings, one letter a qubit: the product over the factors."""
        factors: list[list[float]] = []
        for qubits, plan in self._parts:
            pieces = ["".join([text[q] for q in qubits]) for text in paulis]
            wanted = list({piece for piece in pieces if piece.strip("I")})
            values = {"I" * len(qubits): 1.0, **dict(zip(wanted, plan.expectation(wanted), strict=True))}
            factors.append([values[piece] for piece in pieces])
        return [math.prod(each) for each in zip(*factors, strict=True)]


def look_at(circuit: qmk_native.Circuit, memory: int | None = None) -> Parts | None:
    """The factors, or None where there is nothing to gain, or no single final state, or no room."""
    if circuit.n_qubits < NARROW or len(circuit) > LONGEST:
        return None
    try:
        return Parts(circuit, memory)
    except (ValueError, MemoryError):
        return None


def gates_of(circuit: qmk_native.Circuit) -> qmk_native.Circuit:
    """The gates before final measurements. Raises ValueError for what is neither."""
    measured: set[int] = set()
    gates: list[Any] = []
    for row in circuit.rows()[0]:
        kind, qubits, _, cond, _, table = row
        name = qmk_native.KINDS[kind][0]
        if cond >= 0 or table >= 0 or name in ("reset", "noise", "noise2") or not measured.isdisjoint(qubits):
            raise ValueError("the circuit does not end in a single state")
        if name == "measure":
            measured.update(qubits)
        else:
            gates.append(row)
    return qmk_native.Circuit(circuit.n_qubits, 0, gates)


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
