"""Programs of evolutions and a final read-out, on the native core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import qmk_native

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.engines.rydberg import DECLARATION, TOLERANCE
from qmk.qvm.families import analog
from qmk.sdk.engine import Progress, Samples, Unsupported
from qmk.sdk.program import Barrier, Gate, Measure, Program

MEMORY_BYTES = 64 << 30
"""what one run may take; the router has refused before what this machine has no memory for"""

KEPT_BYTES = 1 << 24
"""states up to this size stay with their plan: a second run of it only draws"""

Knots = tuple[list[float], list[float]]


@dataclass(frozen=True)
class Evolution:
    """One evolution, with its atoms by number. ``pairs``: n*n interactions in rad/us, 0 with atoms that take no part;
    a drive is (amplitude, phase, detuning, weights); us."""

    pairs: list[float]
    drives: list[tuple[Knots, Knots, Knots, list[float]]]
    duration: float


def evolution(gate: Gate, n_qubits: int) -> Evolution:
    """An ``analog.rydberg`` on some of ``n_qubits`` atoms; the others keep their state."""
    pairs = [0.0] * (n_qubits * n_qubits)
    for i, j, energy in analog.interactions(gate.args):
        a, b = gate.qubits[i], gate.qubits[j]
        pairs[a * n_qubits + b] = pairs[b * n_qubits + a] = energy
    drives: list[tuple[Knots, Knots, Knots, list[float]]] = []
    for drive in gate.args["drives"]:
        weights = [0.0] * n_qubits
        for qubit, weight in zip(gate.qubits, drive.get("pattern", [1.0] * len(gate.qubits)), strict=True):
            weights[qubit] = float(weight)
        amplitude, phase, detuning = (_knots(drive.get(name)) for name in analog.FIELDS)
        drives.append((amplitude, phase, detuning, weights))
    return Evolution(pairs, drives, float(gate.args["duration"]))


def _knots(field: dict[str, list[float]] | None) -> Knots:
    return ([], []) if field is None else (field["times"], field["values"])


class RydbergEngine:
    """See ``DECLARATION``."""

    version: str = qmk_native.__version__

    def prepare(self, program: Program, method: str) -> RydbergPlan:
        if method not in DECLARATION.methods:
            raise Unsupported(f"engine rydberg has no method '{method}'")
        _fits(program.n_qubits)
        evolutions: list[Evolution] = []
        reads: dict[int, int] = {}
        measured: set[int] = set()
        for item in program.instructions:
            if isinstance(item, Measure) and item.cond is None:
                reads[item.cbit] = item.qubit
                measured.add(item.qubit)
            elif isinstance(item, Gate) and measured.isdisjoint(item.qubits):
                evolutions.append(_taken(item, program.n_qubits))
            elif not isinstance(item, Barrier):
                raise Unsupported(f"{type(item).__name__.lower()}: engine rydberg runs evolutions, then one read-out")
        return RydbergPlan(program.n_qubits, program.n_cbits, tuple(evolutions), reads)

    def observe(self, program: Program, method: str) -> RydbergObserver:
        plan = self.prepare(program, method)
        return RydbergObserver(plan.n_qubits, plan.state()[0])


def _fits(n_qubits: int) -> None:
    """A state vector has a bit for each atom in its index."""
    most = DECLARATION.methods[""].max_qubits
    if most is not None and n_qubits > most:
        raise Unsupported(f"{n_qubits} atoms: engine rydberg holds at most {most}")


def _taken(gate: Gate, n_qubits: int) -> Evolution:
    if gate.name != "analog.rydberg":
        raise Unsupported(f"gate {gate.name}: engine rydberg runs evolutions alone")
    if gate.cond is not None:
        raise Unsupported("an evolution under a condition: engine rydberg has one state for all shots")
    return evolution(gate, n_qubits)


class RydbergPlan:
    """Evolutions and what is read; it holds the final state once it is known, if that is small."""

    def __init__(self, n_qubits: int, n_cbits: int, evolutions: tuple[Evolution, ...], reads: dict[int, int]) -> None:
        self.n_qubits = n_qubits
        self._n_cbits = n_cbits
        self._evolutions = evolutions
        self._reads = reads
        self._known: tuple[qmk_native.AtomRegister, dict[str, Any]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return RydbergPlan, (self.n_qubits, self._n_cbits, self._evolutions, self._reads)

    def state(self) -> tuple[qmk_native.AtomRegister, dict[str, Any]]:
        """The final state and how it was found. Raises MemoryError, and UNSUPPORTED where the tolerance would take
        more steps than any run has."""
        if self._known is not None:
            return self._known
        register = qmk_native.AtomRegister(self.n_qubits, MEMORY_BYTES)
        error, steps = 0.0, 0
        for part in self._evolutions:
            try:
                told = register.evolve(part.pairs, part.drives, part.duration, TOLERANCE)
            except RuntimeError as refused:
                raise QmkError(
                    "UNSUPPORTED",
                    f"engine 'rydberg': an evolution of {part.duration:g} us: {refused}",
                    engine="rydberg",
                    help="place the atoms farther apart, or make the evolution shorter",
                ) from refused
            error, steps = error + told["error"], steps + told["steps"]
        found = register, {"solver": "blanes-moan", "steps": steps, "state_error": error}
        if 16 << self.n_qubits <= KEPT_BYTES:
            self._known = found
        return found

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        register, notes = self.state()
        drawn = np.frombuffer(register.sample(shots, substream(seed, "rydberg")), dtype=np.uint8)
        drawn = drawn.reshape(shots, self.n_qubits)
        bits = np.zeros((shots, self._n_cbits), dtype=np.uint8)
        for cbit, qubit in self._reads.items():
            bits[:, cbit] = drawn[:, qubit]
        if progress is not None:
            progress(shots)
        return Samples(bits, dict(notes))


class RydbergObserver:
    """The final state."""

    def __init__(self, n_qubits: int, register: qmk_native.AtomRegister) -> None:
        self._n_qubits = n_qubits
        self._register = register

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [self._register.expectation(text) for text in paulis]

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        return np.frombuffer(self._register.state(), dtype=np.complex128)

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        return [self._register.amplitude(int(text, 2) if text else 0) for text in bitstrings]

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        return self._register.probabilities(list(qubits))
