"""Quantiles of the binomial distribution: how many of ``n`` distillation units succeed, but for a chance ``u``.

The values are those of Azure's estimator to the last unit, so the ways to get them are its ways: sums below 1000 units,
beyond them a normal expansion (S. Moorhead, "Efficient evaluation of the inverse binomial cumulative distribution
function where the number of trials is large", Oxford 2013) or, where few units fail or few succeed, Newton steps.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_SUMMED = 1000
_NORMAL_VARIANCE = 80.0
_NORMAL = NormalDist()


def quantile(n: int, q: float, u: float) -> int:
    """The smallest number of successes whose cumulative probability is at least ``u``, each trial failing with
    probability ``q``; beyond 1000 trials an approximation of it that is a few units off at most."""
    p = 1.0 - q
    if n < _SUMMED:
        return _from_above(n, p, q, u) if p > 0.5 else _from_below(n, p, q, u)
    variance = n * p * q
    if variance > _NORMAL_VARIANCE:
        return max(0, min(n, math.floor(_expansion(p, n * p, variance, u))))
    return _newton(n, p, q, u)


def _from_below(n: int, p: float, q: float, u: float) -> int:
    ratio, k, mass = p / q, 0, q**n
    missing = mass - u
    while missing < 0.0 and k < n:
        k += 1
        mass *= ratio * ((n - k + 1) / k)
        missing += mass
    return k


def _from_above(n: int, p: float, q: float, u: float) -> int:
    ratio, k, mass = q / p, 0, p**n
    left = (1.0 - u) - mass
    while left >= 0.0 and k < n:
        k += 1
        mass *= ratio * ((n - k + 1) / k)
        left -= mass
    return n - k


def _expansion(p: float, mean: float, variance: float, u: float) -> float:
    """Moorhead's expansion to the fourth order in 1/sd, as Azure's estimator evaluates it: the term in w/36 lacks its
    factor 1/sd and the last constant of the second order stands alone over 1620, which moves the quantile by about one
    unit. Equality of results matters more here than that unit."""
    w = _NORMAL.inv_cdf(u)
    w2 = w * w
    w3, w4 = w2 * w, w2 * w2
    w5, w6 = w4 * w, w4 * w2
    p2 = p * p
    p3, p4 = p2 * p, p2 * p2
    sd = math.sqrt(variance)
    skew = 2.0 * p - 1.0
    first = w3 * (2.0 * p2 - 2.0 * p - 1.0) / 72.0 / sd - w * (7.0 * p2 - 7.0 * p + 1.0) / 36.0
    second = skew * (p + 1.0) * (p - 2.0) * (3.0 * w4 + 7.0 * w2 - 16.0 / 1620.0) / variance
    third = (
        w5 * (4.0 * p4 - 8.0 * p3 - 48.0 * p2 + 52.0 * p - 23.0) / 17280.0
        + w3 * (256.0 * p4 - 512.0 * p3 - 147.0 * p2 + 403.0 * p - 137.0) / 38880.0
        - w * (433.0 * p4 - 866.0 * p3 - 921.0 * p2 + 1354.0 * p - 671.0) / 38880.0
    )
    fourth = skew * (
        w6 * (p2 - p + 1.0) * (p2 - p + 19.0) / 34020.0
        + w4 * (9.0 * p4 - 18.0 * p3 - 35.0 * p2 + 44.0 * p - 25.0) / 15120.0
        + w2 * (923.0 * p4 - 1846.0 * p3 + 5271.0 * p2 - 4348.0 * p + 5189.0) / 408240.0
        - 4.0 * (p + 1.0) * (p - 2.0) * (23.0 * p2 - 23.0 * p + 2.0) / 25515.0
    )
    lead = mean + sd * w + (p + 1.0) / 3.0 - skew * w2 / 6.0
    return lead + first + second + third / (sd * variance) + fourth / (variance * variance)


def _newton(n: int, p: float, q: float, u: float) -> int:
    """From the mode, steps of (u - cumulative) / mass until one is below a half."""
    m = math.floor(p * (n + 1))
    for _ in range(64):
        mass = _mass(n, p, q, m)
        step = (u - _cumulative(n, p, q, m, mass)) / mass if mass > 0.0 else 0.0
        if -0.5 < step < 0.5:
            break
        m = max(0, min(n, m + math.floor(step + 0.5)))
    return m


def _mass(n: int, p: float, q: float, k: int) -> float:
    """Through the rarer side, so that nothing cancels for large ``n``."""
    rare, rate = (n - k, q) if q < 0.5 else (k, p)
    chosen = sum(math.log((n - i) / (i + 1)) for i in range(rare))
    return math.exp(chosen + rare * math.log(rate) + (n - rare) * math.log1p(-rate))


def _cumulative(n: int, p: float, q: float, k: int, mass: float) -> float:
    total = 0.0
    while k >= 0 and mass > 1e-18 * max(total, 1e-300):
        total += mass
        mass *= k * q / ((n - k + 1) * p)
        k -= 1
    return total
