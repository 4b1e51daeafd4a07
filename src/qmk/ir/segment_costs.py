"""Prices the segments of a program on each kind of simulator, for one of many branches, and moves between kinds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from qmk.ir.program import Gate, Program

if TYPE_CHECKING:
    from qmk_native import Circuit

WIDEST = 26
LARGEST_BOND_LOG2 = 10.0
"""The widest vector, in qubits, and the largest bond of a chain: what is beyond is not planned."""

FIXED_S = 5e-3
OP_S = 2e-5
"""Seconds of a run, and of an operation to lower and to prepare."""

TABLEAU_OP_S = 6e-7
TABLEAU_OP_QUBIT_S = 1e-9
BRANCH_S = 2e-4
AMPLITUDE_S = 4e-8
"""Seconds of an operation on a tableau, the same for each of its qubits, of a branch, and of an amplitude that is
written or read once."""

READ_BIT_S = 5e-8
CHAIN_ELEMENT_S = 1e-9
DECOMPOSED_S = 4e-9
"""Seconds of a bit of a shot, of an element that a chain is sampled from, and of one that a state is taken apart
into."""


class Stretch(msgspec.Struct, frozen=True):
    """A part of a program between two places where the kind may change. ``before`` and ``after``: qubits that are not
    known there, at most; ``vector``: those that a vector holds within it, at most. ``observes``: measurements, resets
    and error channels. ``splits``: outcomes that were open up to its end."""

    start: int
    stop: int
    gates: list[Gate]
    clifford: bool
    before: frozenset[int]
    vector: frozenset[int]
    after: frozenset[int]
    observes: int
    splits: int


class Costs:
    """Prices of the stretches of one program of ``n_qubits``; what the native core said of one is asked once."""

    def __init__(self, n_qubits: int, reads: int) -> None:
        self._n = n_qubits
        self._reads = reads
        self._vectors: dict[int, float] = {}
        self._chains: dict[tuple[int, tuple[float, ...]], tuple[list[float], float]] = {}

    def width(self, kind: str, row: Stretch) -> int:
        return self._n if kind == "tableau" else len(row.vector)

    def seconds(self, kinds: Sequence[str], rows: Sequence[Stretch], shots: int) -> float:
        """Predicted seconds of a run; infinite where a kind does not take its stretch."""
        total, bonds = FIXED_S, [0.0] * (self._n + 1)
        here, branches = "tableau", 1.0
        for kind, row in zip(kinds, rows, strict=True):
            if kind == "tableau" and not row.clifford:
                return math.inf
            if here != kind:
                moved, bonds = self._move(here, kind, row, bonds)
                total += branches * moved
            branches = min(shots, 2.0 ** min(row.splits, 62))
            one, bonds = self._stretch(kind, row, bonds)
            total += branches * one + OP_S * (row.stop - row.start)
            here = kind
        return total + self._read(here, rows[-1], bonds, branches, shots)

    def memory_bytes(self, kinds: Sequence[str], rows: Sequence[Stretch], shots: int) -> float:
        """Bytes of the states that are alive at once, which take their shots in turns beyond 256 MiB."""
        most, bonds, here = 0.0, [0.0] * (self._n + 1), "tableau"
        for kind, row in zip(kinds, rows, strict=True):
            if here != kind:
                bonds = self._move(here, kind, row, bonds)[1]
            bonds, here = self._stretch(kind, row, bonds)[1], kind
            one = self._state_bytes(kind, row, bonds)
            alive = min(shots, 2.0 ** min(row.splits, 62), max(1.0, (256 << 20) / one))
            most = max(most, one * (alive + 3))
        return most + 3.0 * shots * (self._reads + 1)

    def _state_bytes(self, kind: str, row: Stretch, bonds: list[float]) -> float:
        if kind == "tableau":
            return 2.0 * (self._n * self._n + 64 * self._n)
        if kind == "vector":
            return 16.0 * 2.0 ** len(row.vector)
        return 32.0 * sum(2.0 ** (a + b) for a, b in itertools.pairwise(bonds))

    def _stretch(self, kind: str, row: Stretch, bonds: list[float]) -> tuple[float, list[float]]:
        """Seconds on one branch, and log2 of the bonds after it."""
        if kind == "tableau":
            ops = row.stop - row.start
            return BRANCH_S + ops * (TABLEAU_OP_S + TABLEAU_OP_QUBIT_S * self._n), bonds
        if kind == "vector":
            return self._vector(row), bonds
        return self._chain(row, bonds)

    def _vector(self, row: Stretch) -> float:
        wide = len(row.vector)
        if wide > WIDEST:
            return math.inf
        found = self._vectors.get(row.start)
        if found is None:
            import qmk_native

            order = {qubit: at for at, qubit in enumerate(sorted(row.vector))}
            local = [Gate(g.name, tuple(order[q] for q in g.qubits), g.params) for g in row.gates]
            gates = qmk_native.DenseGates(_circuit(local, max(1, wide)))
            found = self._vectors[row.start] = gates.cost()
        return BRANCH_S + found + row.observes * AMPLITUDE_S / 4 * 2.0**wide

    def _chain(self, row: Stretch, bonds: list[float]) -> tuple[float, list[float]]:
        key = row.start, tuple(bonds)
        if key not in self._chains:
            import qmk_native

            gates = [Gate(g.name, g.qubits, g.params) for g in row.gates]
            self._chains[key] = qmk_native.MpsGates(_circuit(gates, max(1, self._n))).growth(bonds)
        after, seconds = self._chains[key]
        if max(after) > LARGEST_BOND_LOG2:
            return math.inf, after
        canonical = sum(8 ** min(a, LARGEST_BOND_LOG2) for a in after) * DECOMPOSED_S + 1e-4 * self._n
        return BRANCH_S + seconds + row.observes * canonical, after

    def _move(self, here: str, kind: str, row: Stretch, bonds: list[float]) -> tuple[float, list[float]]:
        """Seconds to move a state, and log2 of the bonds of a chain that it becomes."""
        wide = len(row.before)
        if kind == "tableau":
            return (BRANCH_S if not wide else math.inf), bonds
        if wide > WIDEST:
            return math.inf, bonds
        written = AMPLITUDE_S * 2.0**wide
        if kind == "vector":
            through = max(bonds) if here == "chain" else 0.0
            return BRANCH_S + written * 2.0**through, bonds
        left = [sum(qubit < at for qubit in row.before) for at in range(self._n + 1)]
        cuts = [float(min(count, wide - count)) for count in left]
        inner = [2.0 ** (wide + min(k, wide - k)) for k in range(1, wide)]
        return BRANCH_S + written + DECOMPOSED_S * sum(inner), cuts

    def _read(self, here: str, row: Stretch, bonds: list[float], branches: float, shots: int) -> float:
        bits = READ_BIT_S * shots * self._n
        if here == "tableau":
            return bits + branches * (BRANCH_S + 1e-8 * self._n * self._n)
        if here == "vector":
            return bits + branches * AMPLITUDE_S * 2.0 ** len(row.vector)
        pairs = itertools.pairwise(bonds)
        return bits + shots * CHAIN_ELEMENT_S * sum(2.0 ** (a + b + 1) for a, b in pairs)


def _circuit(gates: Sequence[Gate], n_qubits: int) -> Circuit:
    from qmk.ir.native_circuit import circuit_of

    return circuit_of(Program(n_qubits, 0, tuple(gates), (), {}))
