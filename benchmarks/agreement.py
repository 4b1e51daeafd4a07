"""Whether two samples of shots can come from one distribution.

The probability that a set of bits has odd parity is compared for every bit, every two neighbours, all bits, and random
sets of them: two distributions over bits are equal exactly when all their parities are. By Hoeffding's inequality two
samples of N shots of one distribution differ in one parity by more than t with probability at most 2 exp(-N t^2). Where
there are few outcomes their total variation distance is tested too: for two samples over K outcomes it exceeds
sqrt(K / (2 N)) + t with probability at most exp(-N t^2); the first term bounds its mean (Cauchy-Schwarz over the
outcomes), the second is McDiarmid's inequality, as one shot moves the distance by at most 1/N.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_ALARM = 1e-9
"""probability that one comparison of two samples of the same distribution fails"""
RANDOM_PARITIES = 256

Bits = NDArray[np.uint8]


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
    sets = _sets(width)
    distance = float(np.abs(_odd(a, sets) - _odd(b, sets)).max(initial=0.0))
    found = [Agreement(distance, math.sqrt(math.log(4 * max(1, len(sets)) / FALSE_ALARM) / shots), "parities")]
    outcomes = 2**width if width < 40 else math.inf
    whole = math.sqrt(outcomes / (2 * shots)) + math.sqrt(math.log(2 / FALSE_ALARM) / shots)
    if whole < 0.5:
        found.append(Agreement(_distance(a, b), whole, "outcomes"))
    return max(found, key=lambda agreement: agreement.distance / agreement.bound)


def _joined(counts: Mapping[str, int]) -> Counter[str]:
    joined: Counter[str] = Counter()
    for bits, count in counts.items():
        joined[bits.replace(" ", "")] += count
    return joined


def _sets(width: int) -> Bits:
    """One row for each set of bits whose parity is compared, the same for every two samples of this width."""
    single = np.eye(width, dtype=np.uint8)
    pairs = single[:-1] | single[1:]
    drawn = np.random.default_rng(width).integers(0, 2, (RANDOM_PARITIES, width), dtype=np.uint8)
    return np.unique(np.concatenate([single, pairs, drawn, np.ones((1, width), dtype=np.uint8)]), axis=0)


def _odd(counts: Counter[str], sets: Bits) -> NDArray[np.float64]:
    """Share of the shots in which each set of bits has odd parity."""
    text = "".join(counts).encode()
    bits = np.frombuffer(text, dtype=np.uint8).reshape(len(counts), -1) & 1
    weights = np.fromiter(counts.values(), dtype=np.float64, count=len(counts)) / counts.total()
    odd = (bits.astype(np.float32) @ sets.T.astype(np.float32)) % 2
    return weights @ odd


def _distance(a: Counter[str], b: Counter[str]) -> float:
    return 0.5 * sum(abs(a[bits] / a.total() - b[bits] / b.total()) for bits in a.keys() | b.keys())
