"""The honeycomb code: two-qubit Pauli measurements only, one colour of edges after another.

A round is three steps, one of each colour; the third coordinate of a detector counts rounds, by thirds. Data qubits are
prepared in the Pauli of one colour and the first step measures the next one: Z, then the edges of X, Y, Z, and so on;
or X, then those of Y, Z, X. Both have the same errors, as a shift of the lattice with a turn of the Paulis maps one to
the other.

After a step of colour c every edge of c is one qubit of a toric code. Two of its logical operators, around either way
of the torus, are products of single Paulis of c on some edges; as the edges of c + 1 are measured next, a logical
operator is multiplied with outcomes of edges of c until it commutes with these. Six steps bring it back to where it
was (Hastings, Haah, Quantum 5, 564 (2021), section 5), and three to an operator of the next colour's Paulis.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import stim

from qmk.models.qec import gf2
from qmk.models.qec.code import Code
from qmk.models.qec.codes.honeycomb import Lattice, incidence, lattice
from qmk.models.qec.gf2 import Bits

PAULIS = "XYZ"
Known = dict[int, dict[tuple[int, int], int]]
"""Records of edges by colour."""

START = {"Z": 0, "X": 1}
"""The colour of the first step, by basis of the memory."""


def memory(code: Code, rounds: int, basis: str) -> stim.Circuit:
    return _Memory(lattice(code.params["w"], code.params["h"]), 3 * rounds, START[basis]).made


class _Memory:
    """``seen``: for each plaquette the records of its last two inferences are xor-ed into a detector."""

    def __init__(self, found: Lattice, steps: int, start: int) -> None:
        self.found = found
        self.count = found.w * found.h
        self.made = stim.Circuit()
        self.records = 0
        self.edges: Known = {colour: {} for colour in range(3)}
        """Records of the last outcomes of edges; edges known to be +1 from the preparation have no entry."""
        self.seen: dict[int, frozenset[int] | None] = {}
        before = (start - 1) % 3
        for index, (colour, _, _) in enumerate(found.plaquettes):
            self.seen[index] = frozenset() if colour == before else None
        strings = logical(found, before)
        logs = [Logical(strings[row], before) for row in range(len(strings))]
        for qubit in range(self.count):
            self.made.append("QUBIT_COORDS", [qubit], (qubit % found.w, qubit // found.w))
        self.made.append(f"R{PAULIS[before]}" if before < 2 else "R", range(self.count))
        for step in range(steps):
            colour = (start + step) % 3
            for log in logs:
                log.pass_on(found, colour, self.edges)
            self._step(colour, step)
        self._read((start + steps - 1) % 3, steps, logs)

    def _step(self, colour: int, step: int) -> None:
        if step % 3 == 0:
            if step:
                self.made.append("TICK", [])
            self.made.append("I_ERROR", range(self.count), tag="round")
        self.made.append("TICK", [])
        edges = self.found.edges[colour]
        name = f"M{PAULIS[colour]}{PAULIS[colour]}"
        self.made.append(name, [qubit for edge in edges for qubit in edge])
        self.edges[colour] = {edge: self.records + number for number, edge in enumerate(edges)}
        self.records += len(edges)
        self._infer((colour + 1) % 3, step)

    def _infer(self, colour: int, step: int) -> None:
        """Plaquettes of ``colour`` are the products of the last outcomes of their edges."""
        for index, (own, ring, place) in enumerate(self.found.plaquettes):
            if own == colour:
                self._detect(index, self._edges_of_ring(ring), (*place, step / 3))

    def _edges_of_ring(self, ring: tuple[int, ...]) -> frozenset[int]:
        sides = [(min(a, b), max(a, b)) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
        return frozenset(known[side] for side in sides for known in self.edges.values() if side in known)

    def _detect(self, index: int, records: frozenset[int], place: tuple[float, ...]) -> None:
        before = self.seen[index]
        self.seen[index] = records
        if before is not None:
            self._append("DETECTOR", before ^ records, place)

    def _append(self, name: str, records: Iterable[int], args: tuple[float, ...] | int) -> None:
        self.made.append(name, [stim.target_rec(record - self.records) for record in sorted(records)], args)

    def _read(self, last: int, steps: int, logs: list[Logical]) -> None:
        """After an even number of rounds in the Pauli of the last step, else in that of the step to come: that is where
        the logical operators are products of single Paulis."""
        even = steps % 6 == 0
        colour = last if even else (last + 1) % 3
        self.made.append("TICK", [])
        self.made.append(f"M{PAULIS[colour]}" if colour < 2 else "M", range(self.count))
        first = self.records
        self.records += self.count
        if even:
            for (a, b), record in self.edges[colour].items():
                self._append("DETECTOR", {first + a, first + b, record}, (*self._place_of(a), steps / 3))
        else:
            self._certain_next(colour, first, steps)
        for index, (own, ring, place) in enumerate(self.found.plaquettes):
            if own == colour:
                self._detect(index, frozenset(first + qubit for qubit in ring), (*place, steps / 3))
        for number, log in enumerate(logs):
            support = log.as_pauli(self.found, last, colour, self.edges, self.seen)
            self._append("OBSERVABLE_INCLUDE", log.records ^ {first + qubit for qubit in support}, number)

    def _certain_next(self, colour: int, first: int, steps: int) -> None:
        """The read-out as one more step: products of two qubits are the edges of ``colour``."""
        for index, (own, ring, place) in enumerate(self.found.plaquettes):
            if own == (colour + 1) % 3:
                sides = [(min(a, b), max(a, b)) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
                last = self.edges[(colour - 1) % 3]
                found = {last[side] for side in sides if side in last}
                read = {first + qubit for side in sides if side not in last for qubit in side}
                self._detect(index, frozenset(found | read), (*place, steps / 3))

    def _place_of(self, qubit: int) -> tuple[float, float]:
        return (qubit % self.found.w + 0.25, qubit // self.found.w + 0.25)


class Logical:
    """An operator as two rows of bits, X and Z part, and the records whose product with it is its value."""

    def __init__(self, string: Bits, colour: int) -> None:
        self.x = string if colour < 2 else np.zeros_like(string)
        self.z = string if colour > 0 else np.zeros_like(string)
        self.records: frozenset[int] = frozenset()

    def _anticommuting(self, edges: Bits, colour: int) -> Bits:
        """Which of the edges, as operators of this colour, anticommute with it."""
        x, z = (edges if colour < 2 else 0 * edges), (edges if colour > 0 else 0 * edges)
        return gf2.bits(gf2.times(x, self.z[:, None]) + gf2.times(z, self.x[:, None]))[:, 0]

    def _multiply(self, support: Bits, colour: int) -> None:
        if colour < 2:
            self.x = self.x ^ support
        if colour > 0:
            self.z = self.z ^ support

    def pass_on(self, found: Lattice, colour: int, known: Known) -> None:
        """Make it commute with the edges of ``colour``, which are measured next, with edges of the colour before."""
        before = (colour - 1) % 3
        next_edges, last_edges = incidence(found, colour), incidence(found, before)
        # a pair of edges of two colours anticommutes where they share one vertex
        chosen = solve(gf2.times(next_edges, last_edges.T), self._anticommuting(next_edges, colour))
        self._include(found, before, chosen, known)

    def as_pauli(
        self, found: Lattice, last: int, colour: int, known: Known, seen: dict[int, frozenset[int] | None]
    ) -> list[int]:
        """Its qubits once it is a product of Paulis of ``colour``, multiplied with edges of the last step and with
        plaquettes if need be."""
        rows = [*incidence(found, last)]
        kinds = [last] * len(rows)
        for kind, ring, _ in found.plaquettes:
            row = np.zeros(found.w * found.h, dtype=np.uint8)
            row[list(ring)] = 1
            rows.append(row)
            kinds.append(kind)
        # per qubit, what is not a power of the wanted Pauli
        unlike = np.array([row * (kind != colour) for row, kind in zip(rows, kinds, strict=True)], dtype=np.uint8)
        rest = (self.x & (colour > 0)) ^ (self.z & (colour < 2))
        chosen = solve(np.ascontiguousarray(unlike.T), rest.astype(np.uint8))
        edges = len(found.edges[last])
        self._include(found, last, chosen[:edges], known)
        for index in np.flatnonzero(chosen[edges:]).tolist():
            self._multiply(rows[edges + index], kinds[edges + index])
            self.records ^= seen[index] or frozenset()
        return np.flatnonzero(self.x | self.z).tolist()

    def _include(self, found: Lattice, colour: int, chosen: Bits, known: Known) -> None:
        rows = incidence(found, colour)
        for index in np.flatnonzero(chosen).tolist():
            self._multiply(rows[index], colour)
            record = known[colour].get(found.edges[colour][index])
            if record is not None:
                self.records ^= {record}


def solve(matrix: Bits, wanted: Bits) -> Bits:
    """Some x with matrix x = wanted, which must exist."""
    echelon, pivots = gf2.row_reduce(np.hstack([matrix, wanted[:, None]]))
    columns = matrix.shape[1]
    assert columns not in pivots, "a logical operator passes every step"
    found = np.zeros(columns, dtype=np.uint8)
    found[pivots] = echelon[:, columns]
    return found


def logical(found: Lattice, colour: int) -> Bits:
    """Qubits of two independent logical operators that are products of single Paulis of ``colour``, after its step:
    rings of edges of ``colour`` across plaquettes of the other two, around the torus."""
    edges = found.edges[colour]
    place = {vertex: number for number, edge in enumerate(edges) for vertex in edge}
    own: list[Bits] = []
    other: list[Bits] = []
    for kind, ring, _ in found.plaquettes:
        row = np.zeros(len(edges), dtype=np.uint8)
        numbers = [place[vertex] for vertex in ring]
        row[numbers] = 1
        (own if kind == colour else other).append(row)
    rings = gf2.independent_rows(gf2.kernel(np.array(other)), np.array(own))
    strings = np.zeros((len(rings), found.w * found.h), dtype=np.uint8)
    for row, chosen in enumerate(rings):
        strings[row, [edges[number][0] for number in np.flatnonzero(chosen).tolist()]] = 1
    return strings
