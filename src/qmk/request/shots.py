"""The shots that a standard error needs, and seeds for whoever gives none."""

from __future__ import annotations

import math
from os import urandom
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.base.limits import check

if TYPE_CHECKING:
    from qmk.qvm.outputs import Outputs

DEFAULT_SHOTS = 1000
"""Shots of a run where neither its caller nor its program says how many."""
MOST = 1e200
LEAST_ERROR = 1e-100
"""Below this, squares are no longer numbers, and any number of shots is too small."""


def choose_shots(error: float, outputs: Outputs | None = None) -> tuple[int, str]:
    """The number of shots for a standard error, and why so many."""
    found = shots_for(error, outputs)
    if outputs is not None and outputs.expectations:
        return found, f"{found} shots of each basis: the standard error of every expectation value is at most {error:g}"
    return found, f"{found} shots: the standard error of every probability is at most {error:g}, by 1/(4 error^2)"


def shots_for(error: Any, outputs: Outputs | None = None) -> int:
    """The fewest shots of each basis after which no estimated probability, nor any expectation value among ``outputs``,
    has a standard error above ``error``. Derivatives are not bounded.

    The estimate of a probability p from N independent shots, or trajectories, has the standard error
    sqrt(p (1 - p) / N), which is at most 1 / (2 sqrt N) whatever p is. What the shots of one basis say of an observable
    lies between minus and plus the sum of its coefficients' sizes there, so its variance is at most the square of that
    sum; bases are independent, and add theirs. Raises INVALID_PARAMS when ``error`` is not
    between 0 and 1, QUOTA_EXCEEDED when it takes more shots than a job may have.
    """
    if not isinstance(error, (int, float)) or not 0 < error < 1:
        raise QmkError("INVALID_PARAMS", f"a standard error of {error!r}", field="error", help="give such as 0.01")
    variance = 0.25 if outputs is None or not outputs.expectations else max(0.25, _variance(outputs))
    found = max(1, math.ceil(min(variance / max(error, LEAST_ERROR) ** 2, MOST) * (1 - 1e-12)))
    check("shots", found, f"a standard error of {error:g}")
    return found


def _variance(outputs: Outputs) -> float:
    """The largest variance that any of the observables can have with one shot of each basis."""
    from qmk.ir.bases import bases

    home = {text: at for at, basis in enumerate(bases(outputs.expectations)) for text in basis.strings}
    worst = 0.0
    for observable in outputs.expectations:
        sizes: dict[int, float] = {}
        for text, factor in observable:
            if text in home:
                sizes[home[text]] = sizes.get(home[text], 0.0) + abs(factor)
        worst = max(worst, sum(size * size for size in sizes.values()))
    return worst


def seed_of(seed: int | None) -> int:
    """``seed``, or one that is drawn."""
    return int.from_bytes(urandom(8), "big") >> 1 if seed is None else seed
