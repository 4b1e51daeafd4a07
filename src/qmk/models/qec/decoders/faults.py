"""Decoding every single fault of a model: a decoder of a code of distance 3 or more gets each of them right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import stim

from qmk.models.qec.decoders.interface import Compiled, packed_width
from qmk.models.qec.decoders.matrix import mechanisms


@dataclass(frozen=True)
class Misdecoded:
    """A fault after which the decoder leaves a logical error."""

    detectors: tuple[int, ...]
    observables: tuple[int, ...]
    probability: float


def find_misdecoded(dem: stim.DetectorErrorModel, compiled: Compiled) -> list[Misdecoded]:
    """The single faults of ``dem`` that ``compiled`` gets wrong; empty is what distance 3 promises.

    A decoder of small logical error has none; belief propagation on too few checks has some, and then its error rate
    falls only in proportion to the physical one.
    """
    faults = list(mechanisms(dem, decomposed=False))
    dets = np.zeros((len(faults), packed_width(dem.num_detectors)), np.uint8)
    actual = np.zeros((len(faults), packed_width(dem.num_observables)), np.uint8)
    for row, (detectors, observables, _) in enumerate(faults):
        for k in detectors:
            dets[row, k // 8] |= 1 << (k % 8)
        for k in observables:
            actual[row, k // 8] |= 1 << (k % 8)
    wrong = (compiled.decode(dets) ^ actual).any(axis=1)
    return [Misdecoded(faults[row][0], tuple(sorted(faults[row][1])), faults[row][2]) for row in np.flatnonzero(wrong)]
