"""Programs of gates, error channels and resets, then one final measurement a qubit, on default.mixed.

Every gate goes in as its matrix, every channel as its Kraus operators. The final density matrix gives the values, and
shots are drawn from its diagonal, so that a seed gives the same bits.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from qmk.engines.pennylane import MAX_QUBITS
from qmk.exact.channels import operators_of
from qmk.exact.readout import bits_of, outcomes
from qmk.exact.rng import Rng
from qmk.ir.lazy import lazy
from qmk.ir.program import Barrier, Gate, KrausNoise, Measure, PauliNoise, PauliNoise2, Program, Reset
from qmk.ir.resolver import ALL_GATES
from qmk.ir.unitary import matrix_of
from qmk.qvm import matrices as m
from qmk.sdk.engine import Progress, Samples, Unsupported

Density = npt.NDArray[np.complex128]

_RESET = (np.array([[1, 0], [0, 0]], dtype=complex), np.array([[0, 1], [0, 0]], dtype=complex))


def density_of(operators: Sequence[Any], n_qubits: int) -> Density:
    """The final density matrix, qubit 0 the highest bit of an index."""
    qml: Any = importlib.import_module("pennylane")
    mixed: Any = importlib.import_module("pennylane.devices.qubit_mixed")
    wires = range(max(n_qubits, 1))
    tape = qml.tape.QuantumScript([qml.Identity(wires), *operators], [qml.state()])
    found, _ = mixed.get_final_state(tape)
    size = 1 << len(wires)
    return np.asarray(found, dtype=np.complex128).reshape(size, size)


@dataclass(frozen=True)
class MixedPlan:
    """``reads``: the qubit that is read into each bit. Pickles as the program."""

    program: Program
    reads: tuple[tuple[int, int], ...]

    @lazy
    def density(self) -> Density:
        return density_of(_operators(self.program)[0], self.program.n_qubits)

    def __getstate__(self) -> dict[str, Any]:
        return {"program": self.program, "reads": self.reads}

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self.program.n_cbits), dtype=np.uint8)
        if shots and self.reads:
            chances = np.clip(self.density.diagonal().real, 0, None)
            found = outcomes(np.sqrt(chances).astype(np.complex128), shots, Rng(seed, "pennylane", ""))
            last = max(self.program.n_qubits, 1) - 1
            bits[:, [cbit for _, cbit in self.reads]] = bits_of(found, [last - qubit for qubit, _ in self.reads])
        if progress is not None:
            progress(shots)
        return Samples(bits)


class MixedObserver:
    """Values of the final density matrix."""

    def __init__(self, density: Density, n_qubits: int) -> None:
        self._density, self._n = density, n_qubits

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [self._value(text) for text in paulis]

    def _value(self, text: str) -> float:
        """The trace of the density matrix times a Pauli string: one entry of each row."""
        columns, factors = np.arange(1), np.ones(1, dtype=complex)
        for letter in text:
            matrix: Any = np.array(m.pauli_string(letter), dtype=complex)
            to = np.array([0, 1]) if letter in "IZ" else np.array([1, 0])
            columns = (columns[:, None] * 2 + to).reshape(-1)
            factors = (factors[:, None] * matrix[np.arange(2), to]).reshape(-1)
        rows = np.arange(len(columns))
        return float((self._density[columns, rows] * factors).sum().real)

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        chances = self._density.diagonal().real.reshape((2,) * max(self._n, 1))
        kept = chances.sum(axis=tuple(k for k in range(chances.ndim) if k not in qubits))
        order = sorted(qubits)
        return np.transpose(kept, [order.index(qubit) for qubit in qubits]).reshape(-1).tolist()


class PennylaneEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("pennylane")

    def prepare(self, program: Program, method: str) -> MixedPlan:
        _require(program, method)
        return MixedPlan(program, tuple(_operators(program)[1].items()))

    def observe(self, program: Program, method: str) -> MixedObserver:
        _require(program, method)
        return MixedObserver(density_of(_operators(program)[0], program.n_qubits), program.n_qubits)


def _require(program: Program, method: str) -> None:
    if method:
        raise Unsupported(f"engine pennylane has no method '{method}'")
    if program.n_qubits > MAX_QUBITS:
        raise Unsupported(f"{program.n_qubits} qubits: engine pennylane holds at most {MAX_QUBITS}")


def _operators(program: Program) -> tuple[list[Any], dict[int, int]]:
    """PennyLane's operators, and the bit that each qubit is read into. Raises ``Unsupported`` for anything else."""
    qml: Any = importlib.import_module("pennylane")
    found: list[Any] = []
    reads: dict[int, int] = {}
    for item in program.instructions:
        if isinstance(item, Barrier):
            continue
        if not isinstance(item, Gate | Measure | Reset | PauliNoise | PauliNoise2 | KrausNoise):
            raise Unsupported(f"{type(item).__name__}: engine pennylane has none")
        if isinstance(item, Gate | Measure | Reset) and item.cond is not None:
            raise Unsupported("a condition: engine pennylane has no feed-forward")
        qubits = item.qubits if isinstance(item, Gate | PauliNoise | PauliNoise2 | KrausNoise) else (item.qubit,)
        if not reads.keys().isdisjoint(qubits):
            raise Unsupported("a qubit used after its measurement: engine pennylane samples the final state only")
        if isinstance(item, Gate) and item.name not in ALL_GATES:
            raise Unsupported(f"engine pennylane has no gate '{item.name}'")
        match item:
            case Measure():
                reads[item.qubit] = item.cbit
            case Reset():
                found.append(qml.QubitChannel(_RESET, wires=item.qubit))
            case Gate():
                if qubits:  # a phase of the whole state is on none, and no bit can notice it
                    found.append(qml.QubitUnitary(np.array(matrix_of(item), dtype=complex), wires=qubits))
            case _:
                found.append(qml.QubitChannel(operators_of(item), wires=qubits))
    return found, reads
