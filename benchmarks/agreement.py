"""Whether two samples of shots can come from one distribution.

The total variation distance of two samples of N shots each over K outcomes exceeds sqrt(K / (2 N)) + t with
probability at most exp(-N t^2): the first term bounds its mean (Cauchy-Schwarz over the outcomes), the second is
McDiarmid's inequality, as one shot moves the distance by at most 1/N. Where K is too large for that to say anything,
the distance of each window of six neighbouring bits is tested instead, which no two equal distributions fail either.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

FALSE_ALARM = 1e-9
WINDOW_BITS = 6


@dataclass(frozen=True)
class Agreement:
    """``distance`` and ``bound`` of the comparison that came nearest to failing; ``over`` says what was compared."""

    distance: float
    bound: float
    over: str

    @property
    def holds(self) -> bool:
        return self.distance <= self.bound


def compare(ours: Mapping[str, int], theirs: Mapping[str, int]) -> Agreement:
    """Compare two samples of counts. They disagree by chance with probability at most ``FALSE_ALARM``."""
    a, b = _joined(ours), _joined(theirs)
    width = len(next(iter(a)))
    if any(len(bits) != width for bits in (*a, *b)):
        return Agreement(1.0, 0.0, "bits: the two print different numbers of them")
    shots = min(a.total(), b.total())
    windows = range(0, max(width, 1), WINDOW_BITS)
    alarm = FALSE_ALARM / (len(windows) + 1)
    found: list[Agreement] = []
    outcomes = 2**width if width < 40 else math.inf
    whole = _bound(outcomes, shots, alarm)
    if whole < 0.5:
        found.append(Agreement(_distance(a, b), whole, "outcomes"))
    for start in windows:
        stop = min(start + WINDOW_BITS, width)
        near_a, near_b = _window(a, start, stop), _window(b, start, stop)
        found.append(Agreement(_distance(near_a, near_b), _bound(2 ** (stop - start), shots, alarm), "windows"))
    return max(found, key=lambda agreement: agreement.distance / agreement.bound)


def _joined(counts: Mapping[str, int]) -> Counter[str]:
    joined: Counter[str] = Counter()
    for bits, count in counts.items():
        joined[bits.replace(" ", "")] += count
    return joined


def _window(counts: Counter[str], start: int, stop: int) -> Counter[str]:
    part: Counter[str] = Counter()
    for bits, count in counts.items():
        part[bits[start:stop]] += count
    return part


def _distance(a: Counter[str], b: Counter[str]) -> float:
    return 0.5 * sum(abs(a[bits] / a.total() - b[bits] / b.total()) for bits in a.keys() | b.keys())


def _bound(outcomes: float, shots: int, alarm: float) -> float:
    return math.sqrt(outcomes / (2 * shots)) + math.sqrt(math.log(1 / alarm) / shots)
