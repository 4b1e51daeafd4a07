"""Confidence intervals of a counted rate: Clopper and Pearson, Biometrika 26 (1934) 404, exact for any count."""

from __future__ import annotations

import math
from collections.abc import Callable


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), by its continued fraction (DLMF 8.17.22), summed from below by Lentz's method."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return math.exp(log_front) * fraction / a


def _solve_rising(rising: Callable[[float], float], level: float) -> float:
    """The x in 0..1 at which ``rising`` reaches ``level``, by bisection on a log scale down to 1e-300."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = math.sqrt(low * high) if low > 0 else high / 2 if high > 1e-3 else high * 1e-3
        if middle < 1e-300 or high - low < 1e-13 * high:
            break
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return (low + high) / 2


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Low and high bound of a rate of which ``successes`` were counted in ``trials``; (0, 1) for no trials."""
    tail = (1 - confidence) / 2
    if trials <= 0:
        return 0.0, 1.0
    k, n = successes, trials
    low = 0.0 if k == 0 else _solve_rising(lambda x: incomplete_beta(k, n - k + 1, x), tail)
    high = 1.0 if k == n else _solve_rising(lambda x: incomplete_beta(k + 1, n - k, x), 1 - tail)
    return low, high
