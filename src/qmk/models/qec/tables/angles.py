"""Independent flips behind counted patterns.

Let mechanism m (a set of observables) fire with probability p_m, independently of all others, and write
theta_m = -ln(1 - 2 p_m) / 2, so that thetas of one mechanism add up over its repetitions. The parity of the observables
s then has E_s = product over the m with |s & m| odd of (1 - 2 p_m), so L_s = -ln(E_s) / 2 is a sum of thetas, which a
Walsh-Hadamard transform solves for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def theta(p: float) -> float:
    """Of a flip with probability ``p`` below 1/2."""
    return -math.log1p(-2 * p) / 2


def probability(angle: float) -> float:
    """The flip's probability; 0 for a theta below 0, which only counting noise makes."""
    return -math.expm1(-2 * max(angle, 0.0)) / 2


def thetas(errors: Mapping[str, float], shots: float, wide: int) -> Floats:
    """The strengths theta by mechanism: entry m belongs to the observables k with bit k of m set, k counted from the
    left of a pattern; entry 0 is 0. Patterns so frequent that a parity is a coin give infinity."""
    chances = np.zeros(1 << wide)
    for pattern, count in errors.items():
        chances[sum(1 << at for at, bit in enumerate(pattern) if bit == "1")] += count / shots
    chances[0] = 1 - chances[1:].sum()
    means = _walsh(chances)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = -np.log(np.maximum(means, 0.0)) / 2
    found = -_walsh(logs) * 2 / (1 << wide)
    found[0] = 0.0
    return found


def _walsh(values: Floats) -> Floats:
    """Sum over m of (-1)^|s & m| values[m], for every s."""
    out = values.copy()
    step = 1
    while step < out.size:
        pairs = out.reshape(-1, 2, step)
        low, high = pairs[:, 0].copy(), pairs[:, 1].copy()
        pairs[:, 0], pairs[:, 1] = low + high, low - high
        step *= 2
    return out
