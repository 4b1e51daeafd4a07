"""Mitigation of errors of the readout, by inverting what they do to the outcomes that were seen.

Each bit is read wrongly with probabilities of its own, so the whole acts on outcomes as a product. Among the outcomes
that were seen, which are few, the product is a small matrix; its columns are made to add up to one, and a linear system
is solved (P. D. Nation et al., PRX Quantum 2, 040326, 2021). The solution adds up to one and may be negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qmk.client.counts import Bit, Counts

Readout = float | tuple[float, float] | Mapping["Bit", "float | tuple[float, float]"]
"""How often a bit is read wrongly: one probability, or (0 read as 1, 1 read as 0); for all bits, or by register or
bit. Bits that are not named are read without errors."""
MOST_OUTCOMES = 4096
"""A system of more outcomes is refused: its matrix would take more than 128 MiB."""


class QuasiProbabilities(dict[str, float]):
    """Maps printed bitstrings to quasi-probabilities, which add up to one and may be negative."""

    def nearest(self) -> dict[str, float]:
        """The probabilities with the least squared distance (J. A. Smolin et al., Phys. Rev. Lett. 108, 070502,
        2012)."""
        rest, kept = 0.0, dict(self)
        for bits, value in sorted(self.items(), key=lambda row: row[1]):
            if value + rest / len(kept) >= 0:
                break
            rest += value
            del kept[bits]
        return {bits: value + rest / len(kept) for bits, value in kept.items()}


def mitigate(counts: Counts, readout: Readout) -> QuasiProbabilities:
    """The quasi-probabilities of the outcomes in ``counts`` without the errors that ``readout`` tells.

    Raises INVALID_PARAMS for probabilities that are not in [0, 1/2) and for bits that are not there, RESOURCE_EXHAUSTED
    beyond 4,096 different outcomes: take a marginal of the bits of interest first.
    """
    import numpy as np

    outcomes = list(counts)
    if len(outcomes) > MOST_OUTCOMES:
        raise QmkError(
            "RESOURCE_EXHAUSTED",
            f"{len(outcomes)} different outcomes are too many to mitigate together, at most {MOST_OUTCOMES}",
            help="take counts.marginal(...) of the bits of interest first",
        )
    if not outcomes:
        return QuasiProbabilities()
    digits = np.array([[digit == "1" for digit in row.replace(" ", "")] for row in outcomes])
    matrix = np.ones((len(outcomes), len(outcomes)))
    for place, rates in _rates(counts, readout).items():
        read = np.array([[1 - rates[0], rates[1]], [rates[0], 1 - rates[1]]])
        column: NDArray[np.intp] = digits[:, place].astype(np.intp)
        matrix *= read[column[:, None], column[None, :]]
    matrix /= matrix.sum(axis=0)
    seen = np.array([counts[row] for row in outcomes]) / counts.shots
    solved = np.array(np.linalg.solve(matrix, seen), dtype=np.float64)
    return QuasiProbabilities(zip(outcomes, map(float, solved), strict=True))


def _rates(counts: Counts, readout: Readout) -> dict[int, tuple[float, float]]:
    """The two probabilities of each printed bit that is read with errors."""
    if not isinstance(readout, Mapping):
        pair = _pair(readout)
        return {place: pair for group in counts.groups for place in group.places}
    return {place: _pair(value) for bit, value in readout.items() for place in counts.places_of(bit)}


def _pair(value: float | tuple[float, float]) -> tuple[float, float]:
    pair = value if isinstance(value, tuple) else (value, value)
    try:
        first, second = (float(each) for each in pair)
    except (TypeError, ValueError):
        first = second = -1.0
    if not (0 <= first < 0.5 and 0 <= second < 0.5):
        raise QmkError(
            "INVALID_PARAMS",
            f"{value!r} does not say how often a bit is read wrongly",
            help="give a probability below 1/2, or two: that 0 is read as 1, and 1 as 0",
        )
    return first, second
