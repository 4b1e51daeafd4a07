"""Values of stabilizer states: every one of them follows from the stabilizers, so the number of qubits hardly matters.

The basis states in a stabilizer state all have the same weight (Dehaene and De Moor 2003). Their phases relative to one
of them, here the least, come from the stabilizer that maps it there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import stim

from qmk.engines.stabilizer import STIM_NAMES
from qmk.ir.lazy import lazy
from qmk.ir.program import Gate, Program

STATE_QUBITS = 24
"""The widest state vector that is written out, in qubits."""


class StabilizerObserver:
    """The least basis state in it has a positive amplitude: the global phase is chosen so."""

    def __init__(self, program: Program) -> None:
        self._n = program.n_qubits
        self._simulator = stim.TableauSimulator()
        self._simulator.set_num_qubits(self._n)
        lines = [
            f"{STIM_NAMES[item.name]} {' '.join(map(str, item.qubits))}"
            for item in program.instructions
            if isinstance(item, Gate) and item.name in STIM_NAMES
        ]
        self._simulator.do_circuit(stim.Circuit("\n".join(lines)))

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [float(self._simulator.peek_observable_expectation(stim.PauliString(text))) for text in paulis]

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        if self._n > STATE_QUBITS:
            raise MemoryError(f"a state vector of {self._n} qubits; engine stabilizer writes out {STATE_QUBITS}")
        state = self._simulator.state_vector(endian="big").astype(np.complex128)
        least = state[np.flatnonzero(np.abs(state) > 1e-6)[0]]
        state *= abs(least) / least
        return state / np.linalg.norm(state)

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        return [self._amplitude(np.array([digit == "1" for digit in text], dtype=np.bool_)) for text in bitstrings]

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        out = [0.0] * (1 << len(qubits))

        def follow(simulator: stim.TableauSimulator, at: int, value: int, chance: float) -> None:
            if at == len(qubits):
                out[value] = chance
                return
            known = simulator.peek_z(qubits[at])
            for bit in (0, 1) if known == 0 else ((0,) if known > 0 else (1,)):
                branch = simulator
                if known == 0:
                    branch = simulator.copy()
                    branch.postselect_z(qubits[at], desired_value=bool(bit))
                follow(branch, at + 1, value << 1 | bit, chance / 2 if known == 0 else chance)

        follow(self._simulator, 0, 0, 1.0)
        return out

    @lazy
    def _least_state(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """The least basis state in the state."""
        simulator = self._simulator.copy()
        bits = np.zeros(self._n, dtype=np.bool_)
        for qubit in range(self._n):
            known = simulator.peek_z(qubit)
            bits[qubit] = known < 0
            if known == 0:
                simulator.postselect_z(qubit, desired_value=False)
        return bits

    @lazy
    def _flips(self) -> dict[int, stim.PauliString]:
        """Stabilizers that flip bits, by the first bit that each flips; no other of them has that first bit."""
        rows: dict[int, stim.PauliString] = {}
        for row in self._simulator.canonical_stabilizers():
            first = _first(row)
            while first is not None and first in rows:
                row = row * rows[first]
                first = _first(row)
            if first is not None:
                rows[first] = row
        return rows

    def _amplitude(self, bits: np.ndarray[Any, np.dtype[np.bool_]]) -> complex:
        map_ = stim.PauliString(self._n)
        left = bits ^ self._least_state
        while left.any():
            first = int(left.argmax())
            row = self._flips.get(first)
            if row is None:
                return 0j
            map_ = map_ * row
            left = left ^ row.to_numpy()[0]
        flips, signs = map_.to_numpy()
        turns = int((flips & signs).sum()) + 2 * int((signs & self._least_state).sum())
        return complex(map_.sign) * 1j**turns * math.sqrt(0.5) ** len(self._flips)


def _first(row: stim.PauliString) -> int | None:
    """The first qubit whose bit the stabilizer flips."""
    flips = row.to_numpy()[0]
    return int(flips.argmax()) if flips.any() else None
