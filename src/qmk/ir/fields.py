"""Fields of evolutions by their knots: as engines read them, at a time, and the segments in which all are smooth."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Mapping

Knots = tuple[list[float], list[float]]
"""Times, ascending, twice where a value jumps, and values; empty for a field that is 0."""

NONE: Knots = ([], [])


def knots(field: Mapping[str, list[float]] | None) -> Knots:
    """Of an argument of an op."""
    return NONE if field is None else (field["times"], field["values"])


def segments(fields: Iterable[Knots], duration: float) -> list[tuple[float, float]]:
    """Begins and ends, between knots."""
    cuts = {0.0, duration, *(t for times, _ in fields for t in times)}
    return list(itertools.pairwise(sorted(cuts)))


def line(field: Knots, t: float, inside: float) -> float:
    """The value at ``t``, where it goes on as in the segment in which ``inside`` lies."""
    times, values = field
    if not times:
        return 0.0
    k = bisect_right(times, inside, 0, len(times) - 1) - 1
    return values[k] + (values[k + 1] - values[k]) * (t - times[k]) / (times[k + 1] - times[k])


def level(field: Knots, inside: float) -> float:
    """The value of the last knot before ``inside``: of a phase, which jumps at its knots."""
    times, values = field
    return values[bisect_right(times, inside) - 1] if times else 0.0
