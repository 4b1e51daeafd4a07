"""Figures that pages show, computed from results."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qmk.client.document import Document

CURVES = 6
"""Most curves of a sweep's plot."""
PAIRED_BITS = 24
"""Most bits in the table of pairs."""


class Outcome(NamedTuple):
    """``error``: one standard error of the share."""

    bits: str
    shots: int
    share: float
    error: float


def outcomes(counts: Mapping[str, int], most: int) -> list[Outcome]:
    """The most frequent outcomes, with their shares of the shots."""
    shots = sum(counts.values())
    found = sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:most]
    return [Outcome(bits, n, n / shots, math.sqrt(n / shots * (1 - n / shots) / shots)) for bits, n in found if shots]


class Value(NamedTuple):
    point: int
    observable: int
    value: float
    error: float
    kind: str


def values(result: Document, most: int) -> list[Value]:
    """Expectation values of all points."""
    points = result.values.points if result.values is not None else []
    rows = [
        Value(at, k, each.value, each.error, each.kind or "standard error" if each.error else "exact")
        for at, point in enumerate(points)
        for k, each in enumerate(point.expectations)
    ]
    return rows[:most]


class Pairs(NamedTuple):
    """``rows``: for each bit, by the others, the correlation coefficient, None where a bit never changes."""

    names: list[str]
    rows: list[list[float | None]]


def pairs(counts: Mapping[str, int]) -> Pairs | None:
    """Correlations of the printed bits, left to right; None with less than two bits, more than ``PAIRED_BITS``, or lost
    atoms."""
    texts = [(bits.replace(" ", ""), n) for bits, n in counts.items()]
    shots = sum(n for _, n in texts)
    width = len(texts[0][0]) if texts else 0
    if not 2 <= width <= PAIRED_BITS or not shots or any("L" in bits for bits, _ in texts):
        return None
    joint = [[0] * width for _ in range(width)]
    for bits, n in texts:
        ones = [k for k, bit in enumerate(bits) if bit == "1"]
        for i in ones:
            for j in ones:
                joint[i][j] += n
    mean = [joint[k][k] / shots for k in range(width)]
    spread = [math.sqrt(p * (1 - p)) for p in mean]
    rows = [
        [
            (joint[i][j] / shots - mean[i] * mean[j]) / (spread[i] * spread[j]) if spread[i] and spread[j] else None
            for j in range(width)
        ]
        for i in range(width)
    ]
    return Pairs([str(k) for k in range(width)], rows)


def courses(
    results: Sequence[Document], observables: Sequence[str]
) -> tuple[list[str], list[list[tuple[float, float]]]]:
    """What the results of a sweep are drawn as: labels, and for each result a value and its error for each label. These
    are expectation values, or where there are none the shares of the most frequent outcomes."""
    if results[0].values is not None and results[0].values.points[0].expectations:
        rows = [each.values.points[0].expectations[:CURVES] if each.values else [] for each in results]
        names = [observables[k] if k < len(observables) else f"observable {k}" for k in range(len(rows[0]))]
        return names, [[(each.value, each.error) for each in row] for row in rows]
    total: Counter[str] = Counter()
    for each in results:
        total.update(each.counts)
    names = sorted(bits for bits, _ in total.most_common(CURVES))
    shares = [[each.counts.get(bits, 0) / each.shots for bits in names] for each in results]
    return names, [
        [(p, math.sqrt(p * (1 - p) / each.shots)) for p in row] for row, each in zip(shares, results, strict=True)
    ]


class Difference(NamedTuple):
    """Shares of an outcome in two runs; ``errors``: their difference in standard errors of it, None where that is 0."""

    bits: str
    first: float
    second: float
    errors: float | None


def differences(first: Mapping[str, int], second: Mapping[str, int], most: int) -> list[Difference]:
    """The outcomes of two runs, those that differ most first."""
    n, m = sum(first.values()), sum(second.values())
    rows: list[Difference] = []
    for bits in {*first, *second} if n and m else ():
        p, q = first.get(bits, 0) / n, second.get(bits, 0) / m
        both = (p * n + q * m) / (n + m)
        error = math.sqrt(both * (1 - both) * (1 / n + 1 / m))
        rows.append(Difference(bits, p, q, (p - q) / error if error else None))
    return sorted(rows, key=lambda row: (-abs(row.first - row.second), row.bits))[:most]


def distance(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """The total variation distance of two runs, from 0 to 1."""
    n, m = sum(first.values()) or 1, sum(second.values()) or 1
    return sum(abs(first.get(bits, 0) / n - second.get(bits, 0) / m) for bits in {*first, *second}) / 2


def split(bits: str, widths: Sequence[int]) -> list[str]:
    """The bits of each event of a shot."""
    made: list[str] = []
    for width in widths:
        made.append(bits[:width])
        bits = bits[width:]
    return made
