"""Running lowered programs: on the native kernel, or where it is missing, on the frames that it is tested against."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmk.base.errors import QmkError
from qmk.base.seeds import substream
from qmk.ir import program as ops
from qmk.ir.native_circuit import circuit_of
from qmk.models.qec.intervals import clopper_pearson
from qmk.models.qec.logical import frames
from qmk.models.qec.logical.surgery import Lowered, lower
from qmk.models.qec.surgery import Program
from qmk.models.qec.tables.channels import Channels

Bits = npt.NDArray[np.uint8]
BATCH = 1 << 18
BATCH_BYTES = 1 << 28
"""Bytes of outcomes in one batch, a byte each."""


@dataclass(frozen=True)
class Failures:
    """Shots in which some certain parity came out wrong, over all shots."""

    shots: int
    failed: int
    cycles: int
    patch_cycles: int

    @property
    def per_shot(self) -> float:
        return self.failed / self.shots

    def interval_per_shot(self, confidence: float = 0.95) -> tuple[float, float]:
        """Of the sampling alone (Clopper and Pearson); the table's errors come on top."""
        return clopper_pearson(self.failed, self.shots, confidence)


def sample(program: ops.Program, shots: int, seed: int) -> Bits:
    """Outcomes, shape (shots, cbits)."""
    if importlib.util.find_spec("qmk_native") is None:
        return frames.sample(program, shots, seed)
    import qmk_native

    samples = qmk_native.LogicalPlan(circuit_of(program)).run(shots, seed)
    return np.frombuffer(samples.bits(), dtype=np.uint8).reshape(shots, -1)[:, : program.n_cbits]


def failures(program: Program, channels: Channels, *, shots: int, seed: int) -> Failures:
    """How often ``program`` fails at the logical level under these channels: the same for the same seed. Raises
    INVALID_PARAMS where no parity of its outcomes is certain, since none can then be wrong."""
    if shots < 1:
        raise QmkError("INVALID_PARAMS", f"{shots} shots", field="shots", help="take at least one")
    lowered = lower(program, channels)
    if not lowered.parities:
        raise QmkError(
            "INVALID_PARAMS",
            f"no parity of the outcomes of '{program.name}' is certain, so that no failure shows",
            field="program",
            help="end it with measurements that say the same in every run without errors",
        )
    failed = done = 0
    batch = min(BATCH, max(1, BATCH_BYTES // lowered.program.n_cbits))
    while done < shots:
        size = min(batch, shots - done)
        failed += count(lowered, sample(lowered.program, size, substream(seed, "failures", done)))
        done += size
    return Failures(shots, failed, lowered.cycles, lowered.patch_cycles)


def count(lowered: Lowered, bits: Bits) -> int:
    """Shots with a wrong parity."""
    wrong = np.zeros(len(bits), dtype=np.uint8)
    for cbits, value in lowered.parities:
        wrong |= np.bitwise_xor.reduce(bits[:, list(cbits)], axis=1) ^ value
    return int(np.count_nonzero(wrong))
