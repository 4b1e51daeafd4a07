"""Independent sets of unit-disk graphs, which atoms within each other's blockade radius make by themselves.

Bits stand in the order of the positions, 1 for an atom in the Rydberg state. An edge joins two atoms that blockade each
other: a set in which no edge has both its ends is independent (Pichler et al., arXiv:1808.10816; Ebadi et al., Science
376, 1209 (2022)).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from qmk.base.errors import QmkError
from qmk.models.atoms.program import C6_BRAKET, AtomProgram, Drive, Field

MAX_VERTICES = 40
"""Largest graph whose largest independent sets are found by trying all."""

Edge = tuple[int, int]


def blockade_radius(amplitude: float, c6: float = C6_BRAKET) -> float:
    """The distance in um at which the interaction equals the amplitude (rad/us): (C6 / W)^(1/6)."""
    if amplitude <= 0:
        raise QmkError("INVALID_PARAMS", f"amplitude: {amplitude:g} rad/us is not above 0", field="amplitude")
    return (c6 / amplitude) ** (1 / 6)


def unit_disk(positions: Sequence[Sequence[float]], radius: float) -> tuple[Edge, ...]:
    """Pairs of ``positions`` (um) no further apart than ``radius`` (um), lower index first."""
    pairs = itertools.combinations(range(len(positions)), 2)
    return tuple((a, b) for a, b in pairs if math.dist(positions[a], positions[b]) <= radius)


def violations(bits: Sequence[int], edges: Sequence[Edge]) -> int:
    """Edges with both ends in the set; 0 for an independent set."""
    return sum(bool(bits[a] and bits[b]) for a, b in edges)


def largest_sets(vertices: int, edges: Sequence[Edge]) -> tuple[tuple[int, ...], ...]:
    """All largest independent sets, each as bits, in rising order: exact, by branching on one vertex after the other.
    Raises RESOURCE_EXHAUSTED beyond 40 vertices."""
    if vertices > MAX_VERTICES:
        raise QmkError(
            "RESOURCE_EXHAUSTED",
            f"the largest independent sets of {vertices} vertices by trying; the most is {MAX_VERTICES}",
            help="take a smaller graph, or a solver",
        )
    near = [0] * vertices
    for a, b in edges:
        near[a] |= 1 << b
        near[b] |= 1 << a
    best: list[int] = []
    most = 0
    left: list[tuple[int, int]] = [(0, (1 << vertices) - 1)]
    while left:
        chosen, free = left.pop()
        size = chosen.bit_count()
        if size + free.bit_count() < most:
            continue
        if not free:
            if size > most:
                best, most = [], size
            best.append(chosen)
            continue
        vertex = free.bit_length() - 1
        rest = free & ~(1 << vertex)
        if near[vertex] & rest:
            left.append((chosen, rest))
        left.append((chosen | 1 << vertex, rest & ~near[vertex]))
    return tuple(sorted(tuple(each >> k & 1 for k in range(vertices)) for each in best))


def sweep(
    positions: Sequence[Sequence[float]],
    *,
    amplitude: float = 15.0,
    detuning: tuple[float, float] = (-30.0, 40.0),
    duration: float = 4.0,
    ramp: float = 0.3,
    c6: float = C6_BRAKET,
) -> AtomProgram:
    """An adiabatic sweep: the amplitude (rad/us) comes up in ``ramp`` us and goes down in the last ``ramp`` us, between
    them the detuning (rad/us) goes from the first to the second value. ``duration`` in us, ``positions`` in um."""
    if not 0 < 2 * ramp < duration:
        raise QmkError(
            "INVALID_PARAMS", f"two ramps of {ramp:g} us in {duration:g} us", field="ramp", help="shorter ramps"
        )
    times = (0.0, ramp, duration - ramp, duration)
    low, high = detuning
    light = Drive(
        amplitude=Field(times, (0.0, amplitude, amplitude, 0.0)), detuning=Field(times, (low, low, high, high))
    )
    sites = tuple(tuple(float(x) for x in place) for place in positions)
    return AtomProgram(
        sites=sites, filling=(True,) * len(sites), drives=(light,), duration=duration, c6=c6, phase_sign=-1
    )


def stop_at(program: AtomProgram, at: float) -> AtomProgram:
    """``program`` until ``at`` (us), its light cut off there: what a sweep has made on the way."""
    at = float(at)  # also of a number of NumPy, which graphs do not hold
    if not 0 < at <= program.duration:
        raise QmkError("INVALID_PARAMS", f"{at:g} us of {program.duration:g} us", field="at")
    fields = ("amplitude", "phase", "detuning")
    drives = tuple(
        Drive(
            **{name: _cut_field(field, at, name == "phase") for name in fields if (field := getattr(drive, name))},
            pattern=drive.pattern,
            transition=drive.transition,
        )
        for drive in program.drives
    )
    return AtomProgram(
        sites=program.sites,
        filling=program.filling,
        drives=drives,
        duration=at,
        c6=program.c6,
        phase_sign=program.phase_sign,
    )


def _cut_field(field: Field, at: float, holds: bool) -> Field:
    """``field`` up to ``at``; ``holds`` as a phase does."""
    points = list(zip(field.times, field.values, strict=True))
    kept = [point for point in points if point[0] < at]
    after = next((point for point in points if point[0] >= at), points[-1])
    time, value = kept[-1]
    if not holds:
        value += (after[1] - value) * (at - time) / (after[0] - time)
    kept.append((at, value))
    return Field(tuple(t for t, _ in kept), tuple(v for _, v in kept))
