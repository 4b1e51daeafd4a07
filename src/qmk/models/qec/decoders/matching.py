"""Minimum-weight perfect matching by sparse blossom (PyMatching; Higgott and Gidney, arXiv:2303.15933)."""

from __future__ import annotations

from typing import Any

import stim

from qmk.models.qec.decoders.interface import Bits, Compiled, Decoder, check_shape, library, unfit
from qmk.models.qec.decoders.matrix import parts_of


def check_pairs(name: str, dem: stim.DetectorErrorModel) -> None:
    """Raise UNSUPPORTED where a part of an error flips more than two detectors: PyMatching would drop the error."""
    for item in dem:
        if isinstance(item, stim.DemRepeatBlock):
            check_pairs(name, item.body_copy())
            continue
        if item.type == "error" and any(len(dets) > 2 for dets, _ in parts_of(item)):
            raise unfit(name, f"{item} flips more than two detectors and is not decomposed")


class Matching:
    """PyMatching's decoder behind the interface."""

    def __init__(self, dem: stim.DetectorErrorModel, *, correlated: bool, name: str) -> None:
        self._correlated = correlated
        self._detectors = dem.num_detectors
        kind: Any = library("pymatching", name).Matching
        self._matching = kind.from_detector_error_model(dem, enable_correlations=correlated)

    def decode(self, dets: Bits) -> Bits:
        check_shape(dets, self._detectors)
        return self._matching.decode_batch(
            dets, bit_packed_shots=True, bit_packed_predictions=True, enable_correlations=self._correlated
        )


def _plain(dem: stim.DetectorErrorModel) -> Compiled:
    return Matching(dem, correlated=False, name="matching")


def _correlated_matching(dem: stim.DetectorErrorModel) -> Compiled:
    return Matching(dem, correlated=True, name="correlated")


MATCHING = Decoder(
    "matching",
    "minimum-weight perfect matching; X and Z errors on their own",
    _plain,
    graphlike=True,
    batch_shots=16384,
    by_parts=True,
    likely=True,
    check=lambda dem: check_pairs("matching", dem),
)

CORRELATED = Decoder(
    "correlated",
    "matching in two passes, the second with weights that the first implies (Fowler, arXiv:1310.0863)",
    _correlated_matching,
    graphlike=True,
    batch_shots=8192,
    likely=True,
    check=lambda dem: check_pairs("correlated", dem),
)
