"""Runs programs of light by Strawberry Fields: states are its own, and the probabilities of Fock states. Those of a
Gaussian state follow from its means and covariances here, as The Walrus 0.21 does not compute them with NumPy 2.

Loss into a thermal environment is a beam splitter with a mode of it: the channel of Strawberry Fields 0.23.0 changes
other modes too.
"""

from __future__ import annotations

import cmath
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import strawberryfields  # pyright: ignore[reportMissingImports]  # an environment of its own

from qmk.base.seeds import substream
from qmk.exact.light import gaussian
from qmk.exact.light.setup import Optics, Step, optics, write_bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

lib: Any = strawberryfields
ops: Any = lib.ops
Numbers = list[npt.NDArray[np.int64]]
Reals = npt.NDArray[np.float64]

MOST_AMPLITUDES = 1 << 24
MOST_ENTRIES = 1 << 22
"""Probabilities of photon numbers of a Gaussian state."""


class StrawberryFieldsEngine:
    def __init__(self) -> None:
        self.version = metadata.version("strawberryfields")

    def prepare(self, program: Program, method: str) -> Plan:
        found = optics(program)
        if any(reading.kind in ("homodyne", "heterodyne") for reading in found.readings):
            raise Unsupported("homodyne and heterodyne: photons are counted here")
        if method == "fock":
            return FockPlan(found)
        if method == "gaussian":
            return GaussianPlan(found)
        raise Unsupported(f"engine strawberryfields has no method '{method}'")


class _Plan(ABC):
    found: Optics

    @abstractmethod
    def draw(self, shots: int, rng: np.random.Generator) -> Numbers:
        """The number that each reading tells, a row of ``shots`` each."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        drawn = self.draw(shots, np.random.Generator(np.random.PCG64(substream(seed, "strawberryfields"))))
        if progress is not None:
            progress(shots)
        return Samples(write_bits(self.found, drawn, shots))


class FockPlan(_Plan):
    """``chances``: of all photon numbers, an axis for each mode; they add up to 1."""

    def __init__(self, found: Optics) -> None:
        if not found.conserves:
            raise Unsupported("an op that adds photons: the Fock backend cuts off what goes beyond its state")
        self.found, cutoff = found, max(2, sum(found.photons) + 1)
        lossy = any(step.kind == "lose" for step in found.steps)
        if cutoff ** (found.n_modes * (2 if lossy else 1)) > MOST_AMPLITUDES:
            raise MemoryError(f"{cutoff - 1} photons in {found.n_modes} modes")
        starts = [ops.Fock(n) if n else None for n in found.photons]
        state = _run("fock", found, starts, backend_options={"cutoff_dim": cutoff})
        chances = np.maximum(np.asarray(state.all_fock_probs(), dtype=np.float64), 0.0)
        self.chances = chances.reshape((cutoff,) * found.n_modes) / chances.sum()

    def draw(self, shots: int, rng: np.random.Generator) -> Numbers:
        drawn = rng.choice(self.chances.size, size=shots, p=self.chances.reshape(-1))
        counts = np.unravel_index(drawn, self.chances.shape)
        return [np.minimum(counts[reading.mode], reading.most).astype(np.int64) for reading in self.found.readings]


class GaussianPlan(_Plan):
    """``table``: the joint probabilities of what counters tell, an axis for each."""

    def __init__(self, found: Optics) -> None:
        if not found.is_gaussian:
            raise Unsupported("a state that is not Gaussian")
        self.found = found
        if math.prod(reading.most + 1 for reading in found.readings) > MOST_ENTRIES:
            raise MemoryError(f"the joint distribution of {len(found.readings)} photon counters")
        starts = [ops.Thermal(nbar) if nbar else None for nbar in found.nbar]
        state = _run("gaussian", found, starts)
        self.table = gaussian.joint(found.readings, lambda modes, below: _numbers(state, modes, below))

    def draw(self, shots: int, rng: np.random.Generator) -> Numbers:
        return list(gaussian.sample_numbers(self.table, shots, rng))


def put_on(operation: Any, modes: Any) -> None:
    """Puts an operation on modes into the program that is open."""
    _ = operation | modes


def _run(backend: str, found: Optics, starts: list[Any], **options: Any) -> Any:
    """The state that a backend makes. A thermal environment is a mode behind the program's own."""
    warm = [step.strength for step in found.steps if step.kind == "lose" and step.strength]
    program = lib.Program(found.n_modes + len(warm))
    with program.context as modes:
        held: list[Any] = [*starts, *(ops.Thermal(nbar) for nbar in warm)]
        for mode, start in zip(modes, held, strict=True):
            if start is not None:
                put_on(start, mode)
        environment = iter(modes[found.n_modes :])
        for step in found.steps:
            on = tuple(modes[k] for k in step.modes)
            if step.kind == "lose" and step.strength:
                put_on(ops.BSgate(math.acos(math.sqrt(step.z.real)), 0.0), (*on, next(environment)))
            elif step.kind == "passive" and len(on) == 1:
                assert step.matrix is not None, "passive optics have a matrix"
                put_on(ops.Rgate(cmath.phase(step.matrix[0, 0])), on)
            else:
                put_on(_gate(step), on)
    return lib.Engine(backend, **options).run(program).state


def _gate(step: Step) -> Any:
    size, phase = cmath.polar(step.z)
    match step.kind:
        case "passive":
            return ops.Interferometer(step.matrix)
        case "displace":
            return ops.Dgate(size, phase)
        case "squeeze":
            return ops.Sgate(size, phase)
        case "squeeze_two":
            return ops.S2gate(size, phase)
        case "kerr":
            return ops.Kgate(step.strength)
        case "cross_kerr":
            return ops.CKgate(step.strength)
        case "lose":
            return ops.LossChannel(step.z.real)
        case _:
            raise Unsupported(f"{step.kind}: the Fock backend cuts off what goes beyond its state")


def _numbers(state: Any, modes: Sequence[int], below: Sequence[int]) -> Reals:
    """From its state the joint probabilities of photon numbers below ``below``, an axis for each of ``modes``."""
    if not modes:
        return np.ones(())
    mean, cov = state.reduced_gaussian(list(modes))
    return gaussian.numbers(np.asarray(cov, dtype=np.float64), np.asarray(mean, dtype=np.float64), below)
