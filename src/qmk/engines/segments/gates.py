"""The gates of one stretch, in the form that each kind of state takes, and the random numbers that outcomes follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import qmk_native
import stim

from qmk.exact.rng import Rng
from qmk.exact.simulator import TINY
from qmk.exact.tableau import STIM_NAMES
from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Gate, Program
from qmk.ir.segments import clifford_gates
from qmk.sdk.engine import Unsupported

Numbers = npt.NDArray[np.float64]


KEPT_BYTES = 64 << 20
"""Random numbers of a chunk that are kept, since each of its branches asks for some of them."""


class Gates:
    """Made for a kind when a state of it first meets them: a run may come here on any."""

    def __init__(self, n_qubits: int, gates: tuple[Gate, ...]) -> None:
        self.n_qubits = n_qubits
        self.gates = tuple(gate for gate in gates if gate.name not in ("gphase", "id"))
        self.touched = sorted({qubit for gate in self.gates for qubit in gate.qubits})
        self._made: dict[tuple[int, ...] | str, Any] = {}

    @property
    def pauli(self) -> Gate | None:
        """The gate, where it is a single Pauli."""
        return self.gates[0] if len(self.gates) == 1 and self.gates[0].name in ("x", "y", "z") else None

    def of_tableau(self) -> stim.Circuit:
        found = self._made.get("tableau")
        if found is None:
            lines: list[str] = []
            for gate in self.gates:
                steps = clifford_gates(gate)
                if steps is None:
                    raise Unsupported(f"gate {gate.name} is not a Clifford gate, and its segment is run on a tableau")
                lines += [f"{STIM_NAMES[step.name]} {' '.join(map(str, step.qubits))}" for step in steps]
            found = self._made["tableau"] = stim.Circuit("\n".join(lines))
        return found

    def of_vector(self, order: tuple[int, ...]) -> qmk_native.DenseGates:
        """For amplitudes of the qubits ``order``, the first the most significant bit of an index."""
        found = self._made.get(order)
        if found is None:
            place = {qubit: at for at, qubit in enumerate(order)}
            local = tuple(Gate(g.name, tuple(place[q] for q in g.qubits), g.params) for g in self.gates)
            circuit = circuit_of(Program(len(order), 0, local, (), {}))
            self._made[order] = found = qmk_native.DenseGates(circuit)
        return found

    def of_chain(self) -> qmk_native.MpsGates:
        found = self._made.get("chain")
        if found is None:
            plain = tuple(Gate(g.name, g.qubits, g.params) for g in self.gates)
            circuit = circuit_of(Program(self.n_qubits, 0, plain, (), {}))
            self._made["chain"] = found = qmk_native.MpsGates(circuit)
        return found


class IndexedRng(Rng):
    """Random numbers by what they decide: the number of the branch point, or the qubit that is read, and the shot. So
    they are the same whatever kind of state asks, in whatever order, and however many shots are worked at once."""

    def __init__(self, seed: int, done: int) -> None:
        super().__init__(seed, "chunk", done)
        self._seed = seed
        self._done = done
        self._kept: dict[tuple[str, int], Numbers] = {}

    def numbers(self, what: str, index: int, shots: int) -> Numbers:
        """For the first ``shots`` shots of the chunk, in [0, 1). All calls are for as many shots."""
        found = self._kept.get((what, index))
        if found is None:
            rng = Rng(self._seed, what, index)
            rng.skip(self._done)
            found = rng.uniform(shots)
            if (len(self._kept) + 1) * found.nbytes <= KEPT_BYTES:  # every branch asks for the same
                self._kept[what, index] = found
        return found


class ReadNumbers:
    """The numbers that the read-out of some shots of a chunk takes, one for each qubit of the program."""

    def __init__(self, rng: IndexedRng, chunk: int, shots: npt.NDArray[np.intp]) -> None:
        self._rng = rng
        self._chunk = chunk
        self._shots = shots

    def __len__(self) -> int:
        return len(self._shots)

    def outcomes(self, qubit: int, zero: Numbers | float) -> npt.NDArray[np.uint8]:
        """The outcomes of a measurement that gives 0 with these probabilities; what is hardly possible never happens,
        so that rounding, which differs from kind to kind, decides nothing."""
        chances = np.asarray(zero)
        chances = np.where(chances < TINY, 0.0, np.where(chances > 1 - TINY, 1.0, chances))
        return (self._rng.numbers("read", qubit, self._chunk)[self._shots] >= chances).astype(np.uint8)
