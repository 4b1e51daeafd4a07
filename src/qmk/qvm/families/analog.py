"""Family ``analog``: qubits that evolve under a Hamiltonian for a time.

Conventions, one for all programs; front-ends convert into it. |0> is the ground state g, |1> the excited state r of the
op. Distances are in um, times in us, energies (hbar = 1) in rad/us, phases in rad. A field is ``{"times": [...],
"values": [...]}``: times begin with 0, never fall and end with the evolution; two equal ones are a jump. Amplitudes and
detunings are linear between times, a phase keeps its value until the next time. A drive is an object with any of
``amplitude``, ``phase``, ``detuning`` and ``pattern``: how strongly its light is felt by each atom, 1.0 if absent.
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

LARGEST = 1e9
"""largest magnitude of a coordinate, a time, a field or a weight"""


def fault(args: Args, qubits: int) -> str:
    """Why sound single arguments are no evolution of ``qubits`` atoms together, or ""."""
    return (
        points_fault(args["positions"], qubits)
        or ("its duration is 0 us; an evolution takes time" if args["duration"] <= 0 else "")
        or _drives_fault(args["drives"], float(args["duration"]), qubits)
    )


def points_fault(positions: Any, qubits: int, name: str = "positions") -> str:
    """Why the argument ``name`` is no places of ``qubits`` atoms, in um, or ""."""
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


def _drives_fault(drives: Any, duration: float, qubits: int) -> str:
    if not isinstance(drives, list):
        return "drives are a list of objects"
    for at, drive in enumerate(cast("list[Any]", drives)):
        why = _drive_fault(drive, duration, qubits)
        if why:
            return f"drive {at}: {why}"
    return ""


def _drive_fault(drive: Any, duration: float, qubits: int) -> str:
    if not isinstance(drive, dict):
        return f"it is an object with {', '.join(_KEYS)}"
    parts = cast("dict[str, Any]", drive)
    strange = next((key for key in parts if key not in _KEYS), None)
    if strange is not None:
        return f"it has no '{strange[:40]}'; it has {', '.join(_KEYS)}"
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


def winding(args: Args) -> float:
    """Radians that the state winds at most, as far as it is not kept from it by the blockade: duration times the
    largest amplitude, detuning, and interaction of an atom with its two nearest partners. What a run takes grows
    with it."""
    count = len(args["positions"])
    nearest = [[0.0, 0.0] for _ in range(count)]
    for i, j, energy in interactions(args):
        for row in (nearest[i], nearest[j]):
            row[:] = sorted((*row, abs(energy)), reverse=True)[:2]
    pair = max((sum(row) for row in nearest), default=0.0)
    return float(args["duration"]) * (pair + sum(_strength(drive) for drive in args["drives"]))


def _strength(drive: Mapping[str, Any]) -> float:
    largest = max((abs(w) for w in cast("Sequence[float]", drive.get("pattern", (1.0,)))), default=0.0)
    fields = (drive[name]["values"] for name in ("amplitude", "detuning") if name in drive)
    return largest * sum(max(abs(v) for v in values) for values in fields)


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
                Param("positions", "points", "where each atom is: [x, y] or [x, y, z]", "um"),
                Param("c6", "float", "coefficient of the van der Waals interaction", "rad um^6/us"),
                Param("duration", "float", "how long it goes on", "us", low=0.0, high=LARGEST),
                Param("drives", "drives", "light: objects with amplitude, phase, detuning (fields), pattern"),
            ),
        ),
    ),
)
