"""Plans of gates, channels and resets followed by one read-out, for engines whose library computes a density matrix.

The final density matrix gives the values, and shots are drawn from its diagonal, so that a seed gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmk.exact.density import DensityMatrix, kraus_operators
from qmk.exact.readout import bits_of, outcomes, steps_of
from qmk.exact.rng import Rng
from qmk.ir.lazy import lazy
from qmk.ir.program import Program
from qmk.ir.unitary import Array
from qmk.sdk.engine import Capabilities, Progress, Samples

Channel = tuple[tuple[int, ...], tuple[Array, ...]]
"""Qubits, and the Kraus operators on them, the first qubit the highest bit of an index: one for a gate."""

Maker = Callable[[Sequence[Channel], int], Array]
"""(channels, number of qubits, at least 1) to the final density matrix, shape (2^n, 2^n), qubit 0 the highest bit of
an index. A function of a module, so that plans can be pickled."""


@dataclass(frozen=True)
class MixedPlan:
    """Pickles as the program; the density matrix is computed on first use in each process."""

    program: Program
    engine: str
    can: Capabilities
    maker: Maker

    @lazy
    def channels(self) -> tuple[list[Channel], dict[int, int]]:
        return channels_of(self.program, self.engine, self.can)

    @lazy
    def density(self) -> Array:
        return self.maker(self.channels[0], max(self.program.n_qubits, 1))

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("program", "engine", "can", "maker")}

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        bits = np.zeros((shots, self.program.n_cbits), dtype=np.uint8)
        reads = self.channels[1]
        if shots and reads:
            chances = np.clip(self.density.diagonal().real, 0, None)
            found = outcomes(np.sqrt(chances).astype(np.complex128), shots, Rng(seed, self.engine, self.can.method))
            last = max(self.program.n_qubits, 1) - 1
            bits[:, list(reads.values())] = bits_of(found, [last - qubit for qubit in reads])
        if progress is not None:
            progress(shots)
        return Samples(bits)


def prepare(program: Program, engine: str, can: Capabilities, maker: Maker) -> MixedPlan:
    """The plan; what it cannot run is refused now."""
    plan = MixedPlan(program, engine, can, maker)
    _ = plan.channels
    return plan


def observe(program: Program, engine: str, can: Capabilities, maker: Maker) -> DensityMatrix:
    """Values of the final density matrix."""
    channels, _ = channels_of(program, engine, can)
    matrix = maker(channels, max(program.n_qubits, 1))
    return DensityMatrix(matrix, max(program.n_qubits, 1))


def channels_of(program: Program, engine: str, can: Capabilities) -> tuple[list[Channel], dict[int, int]]:
    """The channels in order, and the bit that each measured qubit is read into. Raises ``Unsupported`` naming what
    there is besides."""
    steps, read = steps_of(program, engine, can)
    return [kraus_operators(step) for step in steps], read
