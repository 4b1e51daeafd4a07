"""Programs of evolutions and a final read-out, on the native core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import qmk_native

from qmk.base.seeds import substream
from qmk.engines.rydberg import DECLARATION
from qmk.engines.rydberg.arrays import choose_namespace, evolve
from qmk.engines.rydberg.evolution import MEMORY_BYTES, Evolution, evolution, solve
from qmk.engines.rydberg.mixed import MixedCircuit
from qmk.engines.rydberg.subspace import SubspaceObserver, SubspacePlan
from qmk.engines.rydberg.trajectories import Item, TrajectoryPlan
from qmk.exact.branching import BranchingPlan
from qmk.exact.dense import DenseBackend
from qmk.exact.evolved import EvolvedPlan
from qmk.exact.statevector import StateVector
from qmk.ir.bits import Bits
from qmk.ir.program import Barrier, Gate, Logic, LossEvent, Measure, NoisyEvolution, Program
from qmk.sdk.engine import Plan, Unsupported

KEPT_BYTES = 1 << 24
"""States up to this size stay with their plan, so that a second run of it only draws."""


class RydbergEngine:
    """See ``DECLARATION``."""

    version: str = qmk_native.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        if method == "mixed":
            return self._prepare_mixed(program)
        items = _take(program, method)
        n = program.n_qubits
        if method == "subspace":
            return _in_subspace(program, items)
        if any(isinstance(item, NoisyEvolution | LossEvent) for item in items):
            return TrajectoryPlan(n, program.n_cbits, items)
        _unconditional(items)
        evolutions = tuple(evolution(item, n) for item in items if isinstance(item, Gate))
        return RydbergPlan(n, program.n_cbits, evolutions, tuple(item for item in items if not isinstance(item, Gate)))

    def _prepare_mixed(self, program: Program) -> Plan:
        _fits(program.n_qubits, "mixed")
        can = DECLARATION.methods["mixed"].gates
        for item in program.instructions:
            if isinstance(item, NoisyEvolution | LossEvent):
                raise Unsupported(
                    "noise of evolutions, lost atoms or three levels: method mixed has two levels, all there"
                )
            if isinstance(item, Gate) and item.name not in can:
                raise Unsupported(f"gate {item.name}")
        return BranchingPlan(program, DenseBackend(program.n_qubits, MixedCircuit), "rydberg", "mixed", self.version)

    def observe(self, program: Program, method: str) -> RydbergObserver | SubspaceObserver | StateVector:
        if method == "mixed":
            _fits(program.n_qubits, method)
            gates = tuple(item for item in program.instructions if isinstance(item, Gate))
            start = np.eye(1, 1 << program.n_qubits, dtype=np.complex128)[0]
            return StateVector(MixedCircuit(program.n_qubits, gates)(start), program.n_qubits)
        plan = self.prepare(program, method)
        if isinstance(plan, SubspacePlan):
            return SubspaceObserver(plan.state()[0])
        if not isinstance(plan, RydbergPlan):
            raise Unsupported("an evolution with noise, or of atoms that may be lost, ends in no single state")
        return RydbergObserver(plan.n_qubits, plan.state()[0])


def _in_subspace(program: Program, items: tuple[Item, ...]) -> SubspacePlan:
    if any(isinstance(item, NoisyEvolution | LossEvent) for item in items):
        raise Unsupported("noise, or three levels: method subspace follows one state of two levels")
    _unconditional(items)
    n = program.n_qubits
    evolutions = tuple(evolution(item, n) for item in items if isinstance(item, Gate))
    reads = tuple(item for item in items if isinstance(item, Measure | Logic))
    return SubspacePlan(n, program.n_cbits, evolutions, reads)


def _unconditional(items: tuple[Item, ...]) -> None:
    if any(isinstance(item, Measure) and item.cond is not None for item in items):
        raise Unsupported("measure: engine rydberg runs evolutions, then one read-out under no condition")


def _take(program: Program, method: str) -> tuple[Item, ...]:
    """The program without barriers."""
    if method not in DECLARATION.methods:
        raise Unsupported(f"engine rydberg has no method '{method}'")
    _fits(program.n_qubits, method)
    items: list[Item] = []
    measured: set[int] = set()
    for item in program.instructions:
        if isinstance(item, Measure):
            measured.add(item.qubit)
            items.append(item)
        elif isinstance(item, Gate | NoisyEvolution) and measured.isdisjoint(item.qubits):
            items.append(_evolving(item))
        elif isinstance(item, Logic | LossEvent):
            items.append(item)
        elif not isinstance(item, Barrier):
            raise Unsupported(f"{type(item).__name__.lower()}: engine rydberg runs evolutions, then one read-out")
    return tuple(items)


def _fits(n_qubits: int, method: str) -> None:
    """A state vector has a bit for each atom in its index."""
    most = DECLARATION.methods[method].max_qubits
    if most is not None and n_qubits > most:
        raise Unsupported(f"{n_qubits} atoms: engine rydberg holds at most {most}")


def _evolving(item: Gate | NoisyEvolution) -> Gate | NoisyEvolution:
    if item.name not in DECLARATION.methods[""].gates:
        raise Unsupported(f"gate {item.name}: engine rydberg runs evolutions alone")
    if isinstance(item, Gate) and item.cond is not None:
        raise Unsupported("an evolution under a condition: engine rydberg has one state for all shots")
    return item


class RydbergPlan(EvolvedPlan[Evolution, qmk_native.AtomRegister]):
    """Evolutions of every pair; only a small final state is held."""

    def solve(self) -> tuple[qmk_native.AtomRegister, dict[str, Any]]:
        """Raises MemoryError, and UNSUPPORTED where the tolerance would take more steps than any run has."""
        register = qmk_native.AtomRegister(self.n_qubits, MEMORY_BYTES)
        error, steps = 0.0, 0
        xp = choose_namespace(self.n_qubits)
        for part in self.parts:
            told = solve(register, part) if xp is None else _on_device(xp, register, part)
            error, steps = error + told["error"], steps + told["steps"]
        notes = {"solver": "blanes-moan", "steps": steps, "state_error": error}
        return register, notes if xp is None else {**notes, "device": xp.__name__}

    def state(self) -> tuple[qmk_native.AtomRegister, dict[str, Any]]:
        return super().state() if 16 << self.n_qubits <= KEPT_BYTES else self.solve()

    def draw(self, state: qmk_native.AtomRegister, shots: int, seed: int) -> Bits:
        drawn = np.frombuffer(state.sample(shots, substream(seed, "rydberg")), dtype=np.uint8)
        return drawn.reshape(shots, self.n_qubits)


def _on_device(xp: Any, register: qmk_native.AtomRegister, part: Evolution) -> dict[str, Any]:
    """Evolves ``register`` by ``arrays``; what is read afterwards is read on the processor."""
    state = np.frombuffer(register.state(), dtype=np.complex128)
    state, told = evolve(xp, state, part, device="cuda" if xp.__name__ == "torch" else None)
    register.load(state.tobytes())
    return told


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
