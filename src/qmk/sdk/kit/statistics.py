"""Comparing counts with an exact distribution, with a stated rate of false failures.

For an outcome of probability p, N shots show a fraction q at least as far off with probability at most
``exp(-N D(q||p))`` on each side, where D is the relative entropy (Chernoff). The check fails only when that bound falls
below ``false_failure / (2 outcomes)``, so a correct engine fails with probability at most ``false_failure``.
An outcome of probability 0 must not occur at all. The same test covers every single bit's marginal and every parity
of two neighbouring bits, which catch small errors spread over many outcomes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping


def entropy(q: float, p: float) -> float:
    """Relative entropy of a coin of bias ``q`` to one of bias ``p``, in nats."""
    out = 0.0
    for a, b in ((q, p), (1 - q, 1 - p)):
        if a > 0:
            out += a * math.log(a / b) if b > 0 else math.inf
    return out


def check(
    counts: Mapping[str, int], exact: Mapping[str, float], false_failure: float = 1e-9, slack: float = 0.0
) -> str:
    """ "" when ``counts`` may come from ``exact``, else what is wrong.

    ``slack`` is for approximate engines: each probability may be off by that much (then no outcome is impossible).
    """
    shots = sum(counts.values())
    if not shots:
        return "no shots were counted"
    if not slack:
        impossible = [key for key in counts if counts[key] and exact.get(key, 0.0) <= 0]
        if impossible:
            return f"{counts[impossible[0]]} of {shots} shots gave '{impossible[0]}', which has probability 0"
    views = _views(counts, exact)
    bound = math.log(2 * len(views) / false_failure)
    for name, p, seen in views:
        q = seen / shots
        near = min(max(q, p - slack), p + slack) if slack else p
        if shots * entropy(q, min(max(near, 0.0), 1.0)) > bound:
            return f"{name} occurred in {seen} of {shots} shots; its probability is {p:.6g}"
    return ""


def _views(counts: Mapping[str, int], exact: Mapping[str, float]) -> list[tuple[str, float, int]]:
    keys = sorted({*counts, *exact})
    views = [(f"outcome '{key}'", exact.get(key, 0.0), counts.get(key, 0)) for key in keys]
    width = len(keys[0])
    if len(keys) < 3 or any(len(key) != width for key in keys):
        return views

    def add(name: str, is_one: Callable[[str], bool]) -> None:
        p = min(sum(weight for key, weight in exact.items() if is_one(key)), 1.0)
        views.append((name, p if p > 1e-12 else 0.0, sum(n for key, n in counts.items() if is_one(key))))

    places = [k for k in range(width) if keys[0][k] != " "]
    for k in places:
        add(f"a 1 at place {k}", lambda key, k=k: key[k] == "1")
    for a, b in itertools.pairwise(places):
        add(f"a difference of places {a} and {b}", lambda key, a=a, b=b: key[a] != key[b])
    return views
