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
from qmk.qvm.families import analog
from qmk.sdk.fields import NONE, Knots, knots
from qmk.sdk.program import Gate, NoisyEvolution

Light = tuple[Knots, Knots, Knots, list[float]]
"""amplitude, phase, detuning, weights by atom; us, rad/us, rad"""

MEMORY_BYTES = 64 << 30
"""what one run may take; the router has refused before what this machine has no memory for"""


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
    shape (n + 1,); ``places``, shape (n, 3)."""

    amplitude: npt.NDArray[np.float64]
    detuning: npt.NDArray[np.float64]
    places: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, n_qubits: int, seed: int) -> Deviates:
        dice = np.random.Generator(np.random.PCG64(seed))
        return cls(dice.normal(size=n_qubits + 1), dice.normal(size=n_qubits + 1), dice.normal(size=(n_qubits, 3)))


def evolution(item: Gate | NoisyEvolution, n_qubits: int, deviates: Deviates | None = None) -> Evolution:
    """An evolution of some of ``n_qubits`` atoms, the others keep their state; as a shot with ``deviates`` sees it."""
    args, noise = item.args, item.args.get("noise", {})
    if deviates is not None and any(noise.get(name) for name in ("position_sigma_um", "position_sigma_z_um")):
        args = {**args, "positions": _shaken(item, noise, deviates.places)}
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
        shifts = _shifted(item, noise, deviates, n_qubits)
        drives += shifts
        couples += [analog.COUPLES["rydberg"]] * len(shifts)
    return Evolution(pairs, drives, float(args["duration"]), tuple(couples) if item.name == "analog.rydberg3" else ())


def lights(part: Evolution) -> list[tuple[Knots, Knots, Knots, list[float], tuple[int, int]]]:
    """Drives with the levels that they couple."""
    return [(*drive, levels) for drive, levels in zip(part.drives, part.couples, strict=True)]


def solved(
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


def _shaken(
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


def _shifted(
    item: Gate | NoisyEvolution, noise: Mapping[str, float], deviates: Deviates, n_qubits: int
) -> Sequence[Light]:
    """This shot's detuning of r, of every atom, as a drive."""
    alike, own = (noise.get(f"detuning{part}_sigma_rad_per_us", 0.0) for part in ("", "_atom"))
    if not (alike or own):
        return ()
    weights = [0.0] * n_qubits
    for qubit in item.qubits:
        weights[qubit] = float(alike * deviates.detuning[0] + own * deviates.detuning[1 + qubit])
    duration = float(item.args["duration"])
    return ((NONE, NONE, ([0.0, duration], [1.0, 1.0]), weights),)


def rates(item: Gate | NoisyEvolution) -> tuple[float, float, float]:
    """Decay, loss and dephasing, 1/us."""
    noise = item.args.get("noise", {})
    decay, loss, dephasing = (float(noise.get(f"{name}_per_us", 0.0)) for name in ("decay", "loss", "dephasing"))
    return decay, loss, dephasing


def rates_3(item: Gate | NoisyEvolution) -> tuple[float, float, float, float]:
    """Of three levels: decay to |0> and to |1>, loss, dephasing, 1/us."""
    decay, loss, dephasing = rates(item)
    share = float(item.args.get("noise", {}).get("decay_to_0", 0.0))
    return share * decay, (1.0 - share) * decay, loss, dephasing
