"""Stabilizer states, read out qubit by qubit, and written out as amplitudes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import stim

from qmk.engines.segments.gates import Gates, ReadNumbers
from qmk.engines.segments.vector import Amplitudes, VectorState
from qmk.exact.tableau import TableauBackend, TableauState
from qmk.ir.bits import Bits
from qmk.ir.segment_costs import WIDEST
from qmk.sdk.engine import Unsupported


class Tableau:
    kind = "tableau"
    infidelity = 0.0

    def __init__(self, state: TableauState, n_qubits: int) -> None:
        self.state = state
        self.n_qubits = n_qubits

    def apply(self, gates: Gates) -> None:
        self.state.apply(gates.of_tableau())

    def chance(self, qubit: int) -> float:
        return self.state.chance(qubit)

    def project(self, qubit: int, outcome: int) -> None:
        self.state.project(qubit, outcome)

    def copy(self) -> Tableau:
        return Tableau(self.state.copy(), self.n_qubits)

    def read(self, numbers: ReadNumbers) -> Bits:
        """Outcomes of all qubits, each under those before it: an open one is a fair coin, and flips what the stabilizer
        that opens it flips. Shape (shots, n_qubits)."""
        simulator = self.state.simulator.copy()
        rows = _echelon(simulator, self.n_qubits)
        least = _least(simulator, self.n_qubits)
        out = np.tile(least, (len(numbers), 1))
        for qubit, row in rows.items():
            wanted = numbers.outcomes(qubit, 0.5)
            out ^= np.where((wanted != out[:, qubit])[:, None], row.to_numpy()[0].astype(np.uint8), np.uint8(0))
        return out

    def to_bytes(self) -> bytes:
        return self.state.to_bytes()

    def distance(self, other: Any) -> float:
        return self.state.distance(other.state) if isinstance(other, Tableau) else 2.0


def zero(n_qubits: int) -> Tableau:
    return Tableau(TableauBackend(n_qubits).zero(), n_qubits)


def _echelon(simulator: stim.TableauSimulator, n_qubits: int) -> dict[int, stim.PauliString]:
    """Stabilizers that flip bits, by the first bit that each flips, in ascending order; all others with that first bit
    are reduced away."""
    rows: dict[int, stim.PauliString] = {}
    for row in simulator.canonical_stabilizers():
        flips = row.to_numpy()[0]
        while flips.any():
            first = int(flips.argmax())
            if first not in rows:
                rows[first] = row
                break
            row = row * rows[first]
            flips = row.to_numpy()[0]
    return dict(sorted(rows.items()))


def _least(simulator: stim.TableauSimulator, n_qubits: int) -> npt.NDArray[np.uint8]:
    """The least basis state in the state. The simulator is used up."""
    bits = np.zeros(n_qubits, dtype=np.uint8)
    for qubit in range(n_qubits):
        known = simulator.peek_z(qubit)
        bits[qubit] = known < 0
        if known == 0:
            simulator.postselect_z(qubit, desired_value=False)
    return bits


def to_vector(tableau: Tableau) -> VectorState:
    """The amplitudes of the qubits that are open; the least basis state in it has a positive one. Each stabilizer that
    flips bits maps the basis states found so far to as many new ones, whose phases follow from it, so that nothing is
    rounded (Dehaene and De Moor 2003)."""
    n = tableau.n_qubits
    simulator = tableau.state.simulator.copy()
    order = [qubit for qubit in range(n) if simulator.peek_z(qubit) == 0]
    if len(order) > WIDEST:
        raise Unsupported(f"{len(order)} qubits of the stabilizer state are open, a vector holds {WIDEST}")
    rows = list(_echelon(simulator, n).values())
    known = _least(simulator, n)
    place = np.zeros(n, dtype=np.uint64)
    place[order] = 1 << np.arange(len(order) - 1, -1, -1, dtype=np.uint64)
    indexes = np.array([int((known.astype(np.uint64) * place).sum())], dtype=np.uint64)
    turns = np.zeros(1, dtype=np.uint8)
    fixed = np.setdiff1d(np.arange(n), order)
    for row in rows:
        flips, signs = row.to_numpy()
        mask, flip = ((each * place).sum().astype(np.uint64) for each in (signs, flips))
        # the row is sign * i^(letters Y) * (X part)(Z part): Z gives the signs of known and open bits
        phase = {1: 0, 1j: 1, -1: 2, -1j: 3}[complex(row.sign)] + int((flips & signs).sum())
        phase += 2 * int((signs[fixed] & known[fixed].astype(bool)).sum())
        turned = (turns + phase + 2 * _parity(indexes & mask)).astype(np.uint8) & 3
        indexes = np.concatenate([indexes, indexes ^ flip])
        turns = np.concatenate([turns, turned])
    amplitudes: Amplitudes = np.zeros(1 << len(order), dtype=np.complex128)
    amplitudes[indexes.astype(np.intp)] = np.array([1, 1j, -1, -1j])[turns] * 2.0 ** (-len(rows) / 2)
    return VectorState(order, amplitudes, known)


def _parity(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    out = words.copy()
    for shift in (32, 16, 8, 4, 2, 1):
        out ^= out >> np.uint64(shift)
    return (out & np.uint64(1)).astype(np.uint8)


RECOGNISED = 10
"""Qubits of the widest vector that is looked at for being a stabilizer state."""


def of_vector(vector: VectorState) -> Tableau:
    """The tableau of a vector that is a stabilizer state. Raises ``Unsupported`` for any other."""
    order = vector.order
    if len(order) > RECOGNISED:
        raise Unsupported(f"{len(order)} qubits are open, and a vector of at most {RECOGNISED} becomes a tableau")
    simulator: Any = stim.TableauSimulator(seed=0)
    simulator.set_num_qubits(len(vector.known))
    for qubit in np.flatnonzero(vector.known).tolist():
        if qubit not in order:
            simulator.x(qubit)
    if order:
        try:
            made = stim.Tableau.from_state_vector(vector.amplitudes.astype(np.complex64), endian="big")
        except ValueError as error:
            raise Unsupported("the state is not a stabilizer state, so no tableau holds it") from error
        simulator.do_tableau(made, order)
    return Tableau(TableauState(simulator), len(vector.known))
