"""Runs programs of light by Piquasso's simulators.

Samples of ``bosonsampling`` are Piquasso's own. Of the other methods it gives the probabilities, from which samples are
drawn here. A photon that is lost from a state vector goes into a mode of its own.
"""

from __future__ import annotations

import cmath
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import piquasso  # pyright: ignore[reportMissingImports]  # an environment of its own

from qmk.base.seeds import substream
from qmk.exact.light import bosons, gaussian
from qmk.exact.light.setup import Optics, Step, optics, write_bits
from qmk.ir.program import Program
from qmk.sdk.engine import Plan, Progress, Samples, Unsupported

lib: Any = piquasso
Numbers = list[npt.NDArray[np.int64]]

MOST_AMPLITUDES = 1 << 22
"""Amplitudes of a state vector: with the list of its basis each takes about 400 bytes."""
MOST_ENTRIES = 1 << 16
"""Probabilities of a Gaussian state: each takes about a millisecond."""


class PiquassoEngine:
    def __init__(self) -> None:
        self.version = metadata.version("piquasso")

    def prepare(self, program: Program, method: str) -> Plan:
        found = optics(program)
        if any(reading.kind in ("homodyne", "heterodyne") for reading in found.readings):
            raise Unsupported("homodyne and heterodyne: photons are counted here")
        if method == "bosonsampling":
            return BosonPlan(found)
        if method == "fock":
            return FockPlan(found)
        if method == "gaussian":
            return GaussianPlan(found)
        raise Unsupported(f"engine piquasso has no method '{method}'")


class _Plan(ABC):
    found: Optics

    @abstractmethod
    def draw(self, shots: int, seed: int) -> Numbers:
        """The number that each reading tells, a row of ``shots`` each."""

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        drawn = self.draw(shots, substream(seed, "piquasso"))
        if progress is not None:
            progress(shots)
        return Samples(write_bits(self.found, drawn, shots))


class BosonPlan(_Plan):
    def __init__(self, found: Optics) -> None:
        self.found, self.whole = found, bosons.unitary(found)

    def draw(self, shots: int, seed: int) -> Numbers:
        modes = len(self.whole)
        start = lib.NumberState([*self.found.photons, *(0,) * (modes - self.found.n_modes)])
        parts = (start, lib.Interferometer(self.whole), lib.ParticleNumberMeasurement())
        program = lib.Program(instructions=[part.on_modes(*range(modes)) for part in parts])
        config = lib.Config(seed_sequence=seed + 1)  # it takes 0 for no seed
        samples = lib.PassiveSimulator(d=modes, config=config).execute(program, shots=shots).samples
        return _read_numbers(self.found, np.array(samples, dtype=np.int64).reshape(shots, modes))


class FockPlan(_Plan):
    """``basis``: the photon numbers of each amplitude, shape (amplitudes, modes); ``chances`` add up to 1."""

    def __init__(self, found: Optics) -> None:
        if not found.conserves:
            raise Unsupported("an op that adds photons: Piquasso cuts off what goes beyond its state vector")
        self.found, photons = found, sum(found.photons)
        steps, modes = _dilate(found)
        if math.comb(modes + photons, photons) > MOST_AMPLITUDES:
            raise MemoryError(f"{photons} photons in {modes} modes")
        program = _program(lib.NumberState([*found.photons, *(0,) * (modes - found.n_modes)]), modes, steps)
        table = _state("PureFockSimulator", program, modes, cutoff=photons + 1).fock_probabilities_map
        self.basis = np.array(list(table), dtype=np.int64)
        chances = np.array(list(table.values()), dtype=np.float64)
        self.chances = chances / chances.sum()

    def draw(self, shots: int, seed: int) -> Numbers:
        rng = np.random.Generator(np.random.PCG64(seed))
        return _read_numbers(self.found, self.basis[rng.choice(len(self.basis), size=shots, p=self.chances)])


class GaussianPlan(_Plan):
    """``table``: the joint probabilities of what counters tell, an axis for each."""

    def __init__(self, found: Optics) -> None:
        if not found.is_gaussian:
            raise Unsupported("a state that is not Gaussian")
        self.found = found
        if math.prod(reading.most + 1 for reading in found.readings) > MOST_ENTRIES:
            raise MemoryError(f"the joint distribution of {len(found.readings)} photon counters")
        program = _program(lib.Thermal(list(found.nbar)), found.n_modes, found.steps)
        state = _state("GaussianSimulator", program, found.n_modes)
        self.table = gaussian.joint(found.readings, lambda modes, below: _numbers(state, modes, below))

    def draw(self, shots: int, seed: int) -> Numbers:
        rng = np.random.Generator(np.random.PCG64(seed))
        return list(gaussian.sample_numbers(self.table, shots, rng))


def _program(start: Any, modes: int, steps: Sequence[Step]) -> Any:
    gates = [_gate(step).on_modes(*step.modes) for step in steps]
    return lib.Program(instructions=[start.on_modes(*range(modes)), *gates])


def _state(simulator: str, program: Any, modes: int, **options: Any) -> Any:
    return getattr(lib, simulator)(d=modes, config=lib.Config(**options)).execute(program).state


def _read_numbers(found: Optics, counts: npt.NDArray[np.int64]) -> Numbers:
    """What each counter tells of photon numbers, shape (shots, modes)."""
    return [np.minimum(counts[:, reading.mode], reading.most) for reading in found.readings]


def _dilate(found: Optics) -> tuple[list[Step], int]:
    """The steps with a beam splitter into a fresh mode for each loss, and the number of modes."""
    steps, modes = list[Step](), found.n_modes
    for step in found.steps:
        if step.kind == "lose":
            c, s = math.sqrt(step.z.real), math.sqrt(1 - step.z.real)
            matrix = np.array([[c, -s], [s, c]], dtype=np.complex128)
            steps.append(Step("passive", (*step.modes, modes), matrix=matrix))
            modes += 1
        else:
            steps.append(step)
    return steps, modes


def _gate(step: Step) -> Any:
    size, phase = cmath.polar(step.z)
    match step.kind:
        case "passive":
            return lib.Interferometer(step.matrix)
        case "displace":
            return lib.Displacement(r=size, phi=phase)
        case "squeeze":
            return lib.Squeezing(r=size, phi=phase)
        case "squeeze_two":
            return lib.Squeezing2(r=size, phi=phase)
        case "kerr":
            return lib.Kerr(xi=step.strength)
        case "cross_kerr":
            return lib.CrossKerr(xi=step.strength)
        case "lose":
            return lib.Attenuator(theta=math.acos(math.sqrt(step.z.real)), mean_thermal_excitation=step.strength)
        case _:
            raise Unsupported(f"{step.kind}: Piquasso cuts off what goes beyond its state vector")


def _numbers(state: Any, modes: Sequence[int], below: Sequence[int]) -> npt.NDArray[np.float64]:
    """The joint probabilities of photon numbers below ``below``, an axis for each of ``modes``."""
    if not modes:
        return np.ones(())
    part = state.reduced(tuple(modes))
    found = [part.get_particle_detection_probability(np.array(n)) for n in itertools.product(*map(range, below))]
    return np.array(found, dtype=np.float64).reshape(tuple(below))
