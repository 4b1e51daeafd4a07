"""One window of a detector error model, as a detector error model.

Sliding windows with a buffer: Dennis, Kitaev, Landahl and Preskill, quant-ph/0110143, section VI (overlapping
recovery); Skoric et al., Nature Communications 14 (2023) 7040. A window holds ``commit`` rounds and ``buffer`` rounds
after them. Of what its decoder finds, errors that touch the committed rounds are final: they flip observables, and
they flip detectors of later rounds, which the next window has to know. An error that begins in an earlier window was
decided there; one that reaches beyond the window is cut off at its end.

Both effects of a final error are observables of the window's model. So every decoder of the interface decodes windows,
in batches, and none has to tell which errors it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import stim

from qmk.base.errors import QmkError
from qmk.models.qec.decoders.matrix import Errors

TIME = 2  # which coordinate of a detector is its round
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """Rounds ``begin`` to ``commit`` (excluded) are final after this window, which sees rounds up to ``end``."""

    begin: float
    commit: float
    end: float


@dataclass(frozen=True, eq=False)
class Window:
    """The model of a window. Its detectors are those ``seen`` of the whole model, in this order; its observables are
    the whole model's, then one for each detector in ``carried``, which the window's answer flips for the next."""

    span: Span
    dem: stim.DetectorErrorModel
    seen: Indices
    carried: Indices


def rounds_of(model: stim.DetectorErrorModel | stim.Circuit) -> npt.NDArray[np.float64]:
    """The round of each detector, its third coordinate. Raises INVALID_PARAMS where one has none."""
    coordinates = model.get_detector_coordinates()
    for k in range(model.num_detectors):
        if len(coordinates.get(k, ())) <= TIME:
            raise QmkError(
                "INVALID_PARAMS",
                f"detector {k} has no round; windows need DETECTOR(x, y, t) throughout",
                field="circuit",
            )
    return np.array([coordinates[k][TIME] for k in range(model.num_detectors)])


def spans(rounds: Sequence[float], commit: int, buffer: int) -> list[Span]:
    """The windows over these rounds; the last one commits all it sees, so that none is shorter than the buffer."""
    begin, end = min(rounds), max(rounds) + 1
    found: list[Span] = []
    while begin + commit + buffer < end:
        found.append(Span(begin, begin + commit, begin + commit + buffer))
        begin += commit
    return [*found, Span(begin, end, end)]


def window_of(errors: Errors, rounds: npt.NDArray[np.float64], observables: int, span: Span) -> Window:
    """The model of one window of a model with these errors."""
    seen = np.flatnonzero((rounds >= span.begin) & (rounds < span.end))
    number = {int(k): j for j, k in enumerate(seen)}
    cut: list[tuple[float, list[tuple[list[int], list[int], list[int]]]]] = []
    carried: set[int] = set()
    for chance, parts in errors:
        kept: list[tuple[list[int], list[int], list[int]]] = []
        for dets, obs in parts:
            first = min((rounds[k] for k in dets), default=-1.0)
            if not span.begin <= first < span.end:
                continue
            final = first < span.commit
            later = [k for k in dets if rounds[k] >= span.commit] if final else []
            carried.update(later)
            kept.append(([number[k] for k in dets if k in number], obs if final else [], later))
        if kept:
            cut.append((chance, kept))
    carry = {k: observables + j for j, k in enumerate(sorted(carried))}
    lines = [
        f"error({chance!r}) "
        + " ^ ".join(
            " ".join([*(f"D{k}" for k in dets), *(f"L{k}" for k in obs), *(f"L{carry[k]}" for k in later)])
            for dets, obs, later in kept
        )
        for chance, kept in cut
    ]
    if observables + len(carry):
        lines.append(f"logical_observable L{observables + len(carry) - 1}")
    if len(seen):
        lines.append(f"detector D{len(seen) - 1}")
    return Window(span, stim.DetectorErrorModel("\n".join(lines)), seen, np.array(sorted(carry), np.int64))
