"""Family ``analog``: qubits that evolve under a Hamiltonian for a time.

Conventions, one for all programs; front-ends convert into it. |0> is the ground state g, |1> the excited state r of the
op. Distances are in um, times in us, energies (hbar = 1) in rad/us, phases in rad. A field is ``{"times": [...],
"values": [...]}``: times begin with 0, never fall and end with the evolution; two equal ones are a jump. Amplitudes and
detunings are linear between times, a phase keeps its value until the next time. A drive is an object with any of
``amplitude``, ``phase``, ``detuning`` and ``pattern``: how strongly its light is felt by each atom, 1.0 if absent.

``analog.rydberg`` has two levels an atom: |0> = g, |1> = r. ``analog.rydberg3`` has three, the qubit's |0>, |1> and the
Rydberg level r beside them; each of its drives says with ``transition`` which two levels a, b it couples (``COUPLES``;
"rydberg" if absent), as W/2 (e^{i phase} |a><b| + h.c.) - D |b><b|. Detunings are of levels and not of ladders: where
r is reached through |1> under a detuning of both transitions, as in Bloqade, the drive to r has the sum of the two.

``noise`` is an object with any keys of ``NOISE``, and of three levels ``NOISE_3``. Standard deviations are of normal
deviates that each shot draws once, for all its evolutions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from qmk.base.limits import LIMITS
from qmk.qvm.op import Args, Arity, Family, Op, Param

FIELDS = ("amplitude", "phase", "detuning")
_KEYS = (*FIELDS, "pattern")

COUPLES: dict[str, tuple[int, int]] = {"rydberg": (1, 2), "rydberg0": (0, 2), "raman": (0, 1)}
"""Levels (a, b) that a drive of ``analog.rydberg3`` couples, by its transition; 2 is r."""

NOISE: dict[str, str] = {
    "decay_per_us": "rate of r to g",
    "loss_per_us": "rate of r to no atom at all; from then on it is lost",
    "dephasing_per_us": "rate at which the coherence between g and r falls, beside what decay and loss take from it",
    "amplitude_sigma": "of every amplitude, relative, all atoms alike",
    "amplitude_atom_sigma": "of every amplitude, relative, each atom for itself",
    "detuning_sigma_rad_per_us": "of the detuning, all atoms alike",
    "detuning_atom_sigma_rad_per_us": "of the detuning, each atom for itself: the Doppler shift",
    "position_sigma_um": "of each atom's place, in x and in y",
    "position_sigma_z_um": "of each atom's place, in z",
}
"""The meaning of each number of ``noise``: rates first, then standard deviations."""

NOISE_3: dict[str, str] = {
    "decay_per_us": "rate of r to |1>, or to |0> with the share decay_to_0; to other levels it is loss",
    "decay_to_0": "share of the decays that end in |0>, 0 to 1; 0 if absent",
    "dephasing_per_us": "rate at which the coherences of r with |0> and |1> fall, beside what decay and loss take",
    "ground_dephasing_per_us": "rate at which the coherences of |1> with |0> and r fall, by white noise of its energy",
    "detuning_sigma_rad_per_us": "of the detuning of r, all atoms alike",
    "detuning_atom_sigma_rad_per_us": "of the detuning of r, each atom for itself: the Doppler shift",
    "ground_detuning_atom_sigma_rad_per_us": "of the detuning of |1>, each atom for itself: alone, sqrt(2)/T2*",
}
"""The same of ``analog.rydberg3``, where it differs from ``NOISE``."""

LARGEST = 1e9
"""Largest magnitude of a coordinate, a time, a field or a weight."""


def fault(name: str, args: Args, qubits: int) -> str:
    """Why arguments, each of which is sound, are together not an evolution ``name`` of ``qubits`` atoms; "" if they
    are."""
    keys = (*_KEYS, "transition") if name == "analog.rydberg3" else _KEYS
    return (
        points_fault(args["positions"], qubits)
        or ("its duration is 0 us; an evolution takes time" if args["duration"] <= 0 else "")
        or _drives_fault(args["drives"], float(args["duration"]), qubits, keys)
        or _noise_fault(args.get("noise", {}), noise_keys(name))
    )


def noise_keys(name: str) -> tuple[str, ...]:
    """Keys that ``noise`` of evolution ``name`` may have."""
    return tuple({**NOISE, **NOISE_3}) if name == "analog.rydberg3" else tuple(NOISE)


def _noise_fault(noise: Mapping[str, Any], keys: Sequence[str]) -> str:
    for key, value in noise.items():
        if key not in keys:
            return f"its noise has no '{key[:40]}'; it has {', '.join(keys)}"
        if not _is_numbers([value]) or value < 0:
            return f"its noise: {key} is a number, 0 or more"
        if key == "decay_to_0" and value > 1:
            return f"its noise: {key} is a share, 0 to 1"
    return ""


def has_noise(args: Args) -> bool:
    """Whether an evolution has noise that does anything."""
    return any(value for key, value in args.get("noise", {}).items() if key != "decay_to_0")


def is_noisy(name: str, args: Args) -> bool:
    """Whether evolution ``name`` may end in more than one state: with noise, or with atoms left in a third level."""
    return name == "analog.rydberg3" or has_noise(args)


def loses(name: str, args: Args) -> bool:
    """Whether evolution ``name`` may lose atoms."""
    return name == "analog.rydberg3" or bool(args.get("noise", {}).get("loss_per_us"))


def points_fault(positions: Any, qubits: int, name: str = "positions") -> str:
    """Why the argument ``name`` is not places of ``qubits`` atoms, in um; "" if it is."""
    if not isinstance(positions, list) or len(cast("list[Any]", positions)) != qubits:
        return f"{name} are a list of [x, y] or [x, y, z], one for each of its {qubits} qubits"
    points = cast("list[Any]", positions)
    for at, point in enumerate(points):
        if not _is_numbers(point) or len(point) not in (2, 3) or len(point) != len(points[0]):
            return f"position {at} is not [x, y] or [x, y, z] as the others are, numbers in um"
    seen: dict[tuple[float, ...], int] = {}
    for at, point in enumerate(points):
        other = seen.setdefault(tuple(float(x) for x in point), at)
        if other != at:
            return f"atoms {other} and {at} are at the same place"
    return ""


def _drives_fault(drives: Any, duration: float, qubits: int, keys: tuple[str, ...]) -> str:
    if not isinstance(drives, list):
        return "drives are a list of objects"
    for at, drive in enumerate(cast("list[Any]", drives)):
        why = _drive_fault(drive, duration, qubits, keys)
        if why:
            return f"drive {at}: {why}"
    return ""


def _drive_fault(drive: Any, duration: float, qubits: int, keys: tuple[str, ...]) -> str:
    if not isinstance(drive, dict):
        return f"it is an object with {', '.join(keys)}"
    parts = cast("dict[str, Any]", drive)
    strange = next((key for key in parts if key not in keys), None)
    if strange is not None:
        return f"it has no '{strange[:40]}'; it has {', '.join(keys)}"
    if parts.get("transition", "rydberg") not in tuple(COUPLES):
        return f"its transition is one of {', '.join(COUPLES)}"
    pattern = parts.get("pattern")
    if pattern is not None and (not _is_numbers(pattern) or len(pattern) != qubits):
        return f"its pattern is not a list of {qubits} numbers, one for each qubit"
    if "phase" in parts and "amplitude" not in parts:
        return "it has a phase but no amplitude"
    for name in FIELDS:
        why = _field_fault(parts[name], duration) if name in parts else ""
        if why:
            return f"its {name}: {why}"
    return ""


def _field_fault(field: Any, duration: float) -> str:
    if not isinstance(field, dict) or set(cast("dict[str, Any]", field)) != {"times", "values"}:
        return "it is an object with times and values"
    times, values = cast("dict[str, Any]", field)["times"], cast("dict[str, Any]", field)["values"]
    if not (_is_numbers(times) and _is_numbers(values)) or len(times) != len(values) or len(times) < 2:
        return "its times and values are lists of two or more numbers, equally long"
    if len(times) > LIMITS.field_knots:
        return f"it has {len(times)} knots; at most {LIMITS.field_knots} are allowed"
    if times[0] != 0 or times[-1] != duration:
        return f"its times go from {times[0]:g} to {times[-1]:g} us, not from 0 to the duration, {duration:g}"
    if any(b < a for a, b in itertools.pairwise(times)):
        return "its times fall"
    if any(a == b for a, b in zip(times, times[2:], strict=False)):
        return "three of its times are equal"
    return ""


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) <= LARGEST for x in cast("list[Any]", value)
    )


def interactions(args: Args) -> Iterator[tuple[int, int, float]]:
    """(i, j, C6 / r^6 in rad/us) of every pair i < j of atoms."""
    points = cast("list[list[float]]", args["positions"])
    c6 = float(args["c6"])
    for i, a in enumerate(points):
        for j in range(i + 1, len(points)):
            yield i, j, c6 / math.dist(a, points[j]) ** 6


def _noise(keys: Sequence[str]) -> Param:
    return Param("noise", "map", f"rates and standard deviations: any of {', '.join(keys)}", required=False)


_PLACED = (
    Param("positions", "points", "where each atom is: [x, y] or [x, y, z]", "um"),
    Param("c6", "float", "coefficient of the van der Waals interaction", "rad um^6/us"),
    Param("duration", "float", "how long it goes on", "us", low=0.0, high=LARGEST),
)

FAMILY = Family(
    "analog",
    1,
    "evolution under time-dependent Hamiltonians",
    (
        Op(
            "analog.rydberg",
            "atoms under driving light and their van der Waals interaction: sum over atoms of "
            "W(t)/2 (e^{i phase(t)} |0><1| + h.c.) - D(t) |1><1|, with amplitude W and detuning D, plus C6/r^6 for "
            "each pair in |1>; drives add up",
            "evolution",
            vqs=Arity(1, None),
            params=(
                *_PLACED,
                Param("drives", "drives", "light: objects with amplitude, phase, detuning (fields), pattern"),
                _noise(noise_keys("analog.rydberg")),
            ),
        ),
        Op(
            "analog.rydberg3",
            "atoms with a qubit |0>, |1> and a Rydberg level r under driving light: sum over atoms and drives of "
            "W(t)/2 (e^{i phase(t)} |a><b| + h.c.) - D(t) |b><b|, where transition rydberg couples a=1 with b=r, "
            "rydberg0 0 with r, raman 0 with 1, plus C6/r^6 for each pair in r; what is left in r at the end is lost",
            "evolution",
            vqs=Arity(1, None),
            params=(
                *_PLACED,
                Param("drives", "drives", "light: objects with transition, amplitude, phase, detuning, pattern"),
                _noise(noise_keys("analog.rydberg3")),
            ),
        ),
    ),
)
