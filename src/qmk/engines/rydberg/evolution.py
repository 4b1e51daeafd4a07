"""Evolutions as the native core takes them: atoms by number, fields as knots, and what a shot's noise makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import qmk_native

from qmk.base.errors import QmkError
from qmk.engines.rydberg import TOLERANCE
from qmk.ir.fields import NONE, Knots, knots, level, line
from qmk.ir.program import Gate, NoisyEvolution
from qmk.qvm.families import analog

Light = tuple[Knots, Knots, Knots, list[float]]
"""Amplitude, phase, detuning and weights by atom, in us, rad/us and rad."""

MEMORY_BYTES = 64 << 30
"""Most memory that one run may take; the router has already refused what this machine has no memory for."""

KICKS = 10_000
"""Expected number of changes of sign of an atom's |1> in one evolution."""


@dataclass(frozen=True)
class Evolution:
    """One evolution, with its atoms by number. ``pairs``: n*n interactions in rad/us, 0 with atoms that take no part;
    ``couples``: for each drive the levels that it couples, of three, or nothing at all for atoms of two."""

    pairs: list[float]
    drives: list[Light]
    duration: float
    couples: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Deviates:
    """Standard normal deviates of one shot: ``amplitude`` and ``detuning`` of all atoms alike, then of each of n atoms,
    shape (n + 1,); ``places``, shape (n, 3); ``ground``, of the detuning of |1> of three levels, shape (n,)."""

    amplitude: npt.NDArray[np.float64]
    detuning: npt.NDArray[np.float64]
    places: npt.NDArray[np.float64]
    ground: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, n_qubits: int, seed: int) -> Deviates:
        rng = np.random.Generator(np.random.PCG64(seed))
        alike = rng.normal(size=n_qubits + 1), rng.normal(size=n_qubits + 1)
        return cls(*alike, rng.normal(size=(n_qubits, 3)), rng.normal(size=n_qubits))


def evolution(item: Gate | NoisyEvolution, n_qubits: int, deviates: Deviates | None = None) -> Evolution:
    """An evolution of some of ``n_qubits`` atoms, the others keep their state; as a shot with ``deviates`` sees it."""
    args = item.args
    noise: Mapping[str, Any] = args.get("noise", {})
    if deviates is not None and any(noise.get(name) for name in ("position_sigma_um", "position_sigma_z_um")):
        args = dict[str, Any](args, positions=_shake(item, noise, deviates.places))
    pairs = [0.0] * (n_qubits * n_qubits)
    for i, j, energy in analog.interactions(args):
        a, b = item.qubits[i], item.qubits[j]
        pairs[a * n_qubits + b] = pairs[b * n_qubits + a] = energy
    drives: list[Light] = []
    couples: list[tuple[int, int]] = []
    for drive in args["drives"]:
        levels = analog.COUPLES[drive.get("transition", "rydberg")]
        weights = [0.0] * n_qubits
        for qubit, weight in zip(item.qubits, drive.get("pattern", [1.0] * len(item.qubits)), strict=True):
            weights[qubit] = float(weight)
        amplitude, phase, detuning = (knots(drive.get(name)) for name in analog.FIELDS)
        light: Light = (amplitude, phase, detuning, weights)
        parts = (light,) if deviates is None else _flickering(light, noise, deviates)
        drives += parts
        couples += [levels] * len(parts)
    if deviates is not None:
        shifts = _shift(item, noise, deviates, n_qubits)
        drives += shifts
        couples += [analog.COUPLES["rydberg"]] * len(shifts)
        if sigma := noise.get("ground_detuning_atom_sigma_rad_per_us"):
            drives.append(_detune(item, sigma * deviates.ground, n_qubits))
            couples.append(analog.COUPLES["raman"])
    return Evolution(pairs, drives, float(args["duration"]), tuple(couples) if item.name == "analog.rydberg3" else ())


def lights(part: Evolution) -> list[tuple[Knots, Knots, Knots, list[float], tuple[int, int]]]:
    """Drives with the levels that they couple."""
    return [(*drive, levels) for drive, levels in zip(part.drives, part.couples, strict=True)]


def solve(
    register: qmk_native.AtomRegister | qmk_native.LevelRegister, part: Evolution, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """Evolves ``register``; what the native core tells of it. Raises MemoryError, and UNSUPPORTED where the tolerance
    would take more steps than any run has."""
    try:
        if isinstance(register, qmk_native.LevelRegister):
            return register.evolve(part.pairs, lights(part), part.duration, tolerance)
        return register.evolve(part.pairs, part.drives, part.duration, tolerance)
    except RuntimeError as refused:
        raise QmkError(
            "UNSUPPORTED",
            f"engine 'rydberg': an evolution of {part.duration:g} us: {refused}",
            engine="rydberg",
            help="place the atoms farther apart, or make the evolution shorter",
        ) from refused


def _shake(
    item: Gate | NoisyEvolution, noise: Mapping[str, float], places: npt.NDArray[np.float64]
) -> list[list[float]]:
    """Where the atoms are in this shot."""
    plane, height = noise.get("position_sigma_um", 0.0), noise.get("position_sigma_z_um", 0.0)
    sizes = (plane, plane, height)
    points = item.args["positions"]
    return [
        [float(x + size * by) for x, size, by in zip((*point, 0.0)[:3], sizes, places[qubit], strict=True)]
        for qubit, point in zip(item.qubits, points, strict=True)
    ]


def _flickering(drive: Light, noise: Mapping[str, float], deviates: Deviates) -> Sequence[Light]:
    """A drive with this shot's amplitudes: two where they differ, since the detuning does not flicker with them."""
    alike, own = noise.get("amplitude_sigma", 0.0), noise.get("amplitude_atom_sigma", 0.0)
    if not (alike or own) or drive[0] is NONE:
        return (drive,)
    factors = (1.0 + alike * deviates.amplitude[0]) * (1.0 + own * deviates.amplitude[1:])
    weights = [float(w * factor) for w, factor in zip(drive[3], factors, strict=True)]
    light: Light = (drive[0], drive[1], NONE, weights)
    return (light,) if drive[2] is NONE else (light, (NONE, NONE, drive[2], drive[3]))


def _shift(
    item: Gate | NoisyEvolution, noise: Mapping[str, float], deviates: Deviates, n_qubits: int
) -> Sequence[Light]:
    """This shot's detuning of r, of every atom, as a drive."""
    alike, own = (noise.get(f"detuning{part}_sigma_rad_per_us", 0.0) for part in ("", "_atom"))
    if not (alike or own):
        return ()
    return (_detune(item, alike * deviates.detuning[0] + own * deviates.detuning[1:], n_qubits),)


def _detune(item: Gate | NoisyEvolution, shifts: npt.NDArray[np.float64], n_qubits: int) -> Light:
    """A drive that only detunes, atom q by ``shifts[q]`` rad/us."""
    weights = [0.0] * n_qubits
    for qubit in item.qubits:
        weights[qubit] = float(shifts[qubit])
    duration = float(item.args["duration"])
    return NONE, NONE, ([0.0, duration], [1.0, 1.0]), weights


def piece(part: Evolution, begin: float, end: float) -> Evolution:
    """What happens from ``begin`` to ``end``, both in us and no knots of it."""
    inside = 0.5 * (begin + end)

    def cut_knots(field: Knots, holds: bool) -> Knots:
        times, values = field
        if not times:
            return NONE
        kept = [k for k, t in enumerate(times) if begin < t < end]
        if holds:
            first, last = level(field, begin), values[kept[-1]] if kept else level(field, inside)
        else:
            first = line(field, begin, 0.5 * (begin + times[kept[0]]) if kept else inside)
            last = line(field, end, 0.5 * (end + times[kept[-1]]) if kept else inside)
        middle = [times[k] - begin for k in kept]
        return [0.0, *middle, end - begin], [first, *(values[k] for k in kept), last]

    drives = [(cut_knots(a, False), cut_knots(p, True), cut_knots(d, False), w) for a, p, d, w in part.drives]
    return Evolution(part.pairs, drives, end - begin, part.couples)


def rates(item: Gate | NoisyEvolution) -> tuple[float, float, float]:
    """Decay, loss and dephasing, 1/us."""
    noise = item.args.get("noise", {})
    decay, loss, dephasing = (float(noise.get(f"{name}_per_us", 0.0)) for name in ("decay", "loss", "dephasing"))
    return decay, loss, dephasing


def kicks(item: Gate | NoisyEvolution, seed: int) -> list[tuple[float, int]]:
    """When, in us and in order, |1> of which atom changes its sign. Such changes, at random times of rate G/2 for each
    atom whatever its state, are ``ground_dephasing_per_us`` G: what has changed counts twice in what a coherence
    loses. Raises UNSUPPORTED for more of them than a trajectory has."""
    rate, duration = float(item.args["noise"].get("ground_dephasing_per_us", 0.0)), float(item.args["duration"])
    rng = np.random.Generator(np.random.PCG64(seed))
    if not rate:
        return []
    if 0.5 * rate * duration > KICKS:
        raise QmkError(
            "UNSUPPORTED",
            f"engine 'rydberg': a ground_dephasing_per_us of {rate:g} over {duration:g} us",
            engine="rydberg",
            help=f"rate times duration is at most {2 * KICKS}",
        )
    times = [rng.uniform(0.0, duration, rng.poisson(0.5 * rate * duration)) for _ in item.qubits]
    return sorted((float(t), qubit) for qubit, row in zip(item.qubits, times, strict=True) for t in row)


def rates_3(item: Gate | NoisyEvolution) -> tuple[float, float, float, float]:
    """Of three levels: decay to |0> and to |1>, loss, dephasing, 1/us."""
    decay, loss, dephasing = rates(item)
    share = float(item.args.get("noise", {}).get("decay_to_0", 0.0))
    return share * decay, (1.0 - share) * decay, loss, dephasing
