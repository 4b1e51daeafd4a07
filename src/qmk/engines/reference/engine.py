"""The reference engine: samples from the exact branches of ``qmk.exact.simulator``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmk.engines.reference import MAX_QUBITS
from qmk.exact.branching import BranchingPlan
from qmk.exact.dense import DenseBackend, NumpyCircuit
from qmk.exact.simulator import Chances, exact_distribution, walk
from qmk.exact.statevector import StateVector
from qmk.ir.loss import refuse_tosses
from qmk.ir.program import Gate, Program
from qmk.ir.resolver import ALL_GATES
from qmk.ir.steps import has_fences
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

__all__ = ["ReferenceEngine", "ReferencePlan", "exact_distribution"]

Shots = npt.NDArray[np.intp]


@dataclass(frozen=True)
class ReferencePlan:
    program: Program

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        """Shots are split at each measurement by dice of their own, so a shot's bits follow the exact distribution."""
        dice = np.random.Generator(np.random.PCG64(seed))
        bits = np.zeros((shots, self.program.n_cbits), dtype=np.uint8)
        done = 0

        def spread(weight: Shots, chances: Chances) -> list[tuple[int, Shots]]:
            possible = np.flatnonzero(chances)
            if len(possible) == 1:
                return [(int(possible[0]), weight)]
            fell = possible[np.searchsorted(np.cumsum(chances[possible])[:-1], dice.random(len(weight)), side="right")]
            order = np.argsort(fell, kind="stable")
            found, starts = np.unique(fell[order], return_index=True)
            return list(zip(found.tolist(), np.split(weight[order], starts[1:]), strict=True))

        def leaf(row: list[int], weight: Shots) -> None:
            nonlocal done
            bits[weight] = row
            done += len(weight)
            if progress is not None:
                progress(done)

        if shots:
            walk(self.program, np.arange(shots), spread, leaf)
        return Samples(bits)


class ReferenceEngine:
    def __init__(self) -> None:
        self.version = np.__version__

    def prepare(self, program: Program, method: str) -> Plan:
        refuse_tosses(program, "reference")
        if method:
            raise Unsupported(f"engine reference has no method '{method}'")
        if program.n_qubits > MAX_QUBITS:
            raise Unsupported(f"{program.n_qubits} qubits: engine reference holds at most {MAX_QUBITS}")
        for item in program.instructions:
            if isinstance(item, Gate) and item.name not in ALL_GATES:
                raise Unsupported(f"engine reference has no gate '{item.name}'")
        if has_fences(program):
            backend = DenseBackend(program.n_qubits, NumpyCircuit)
            return BranchingPlan(program, backend, "reference", version=self.version)
        return ReferencePlan(program)

    def observe(self, program: Program, method: str) -> StateVector:
        if program.n_qubits > MAX_QUBITS:
            raise Unsupported(f"{program.n_qubits} qubits: engine reference holds at most {MAX_QUBITS}")
        gates = tuple(item for item in program.instructions if isinstance(item, Gate))
        zero = np.zeros(1 << program.n_qubits, dtype=np.complex128)
        zero[0] = 1
        return StateVector(NumpyCircuit(program.n_qubits, gates)(zero), program.n_qubits)
