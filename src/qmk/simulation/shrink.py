"""Making a failing run short: parts of its actions are left out for as long as it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

RUNS_MAX = 600


def shortest(length: int, fails: Callable[[Sequence[int]], bool], runs_max: int = RUNS_MAX) -> list[int]:
    """A subset of ``range(length)`` that still fails, from which no one part can be left out (delta debugging, Zeller
    and Hildebrandt 2002), or the best that ``runs_max`` runs find. ``fails`` runs a subset."""
    keep = list(range(length))
    runs = 0
    size = max(1, length // 2)
    while runs < runs_max:
        shorter = False
        at = 0
        while at < len(keep) and runs < runs_max:
            trial = keep[:at] + keep[at + size :]
            runs += 1
            if fails(trial):
                keep, shorter = trial, True
            else:
                at += size
        if size > 1:
            size = max(1, size // 2)
        elif not shorter:
            break
    return keep
