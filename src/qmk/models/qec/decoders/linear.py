"""Decoders of the library ldpc on a check matrix of our own: belief propagation with statistics, and union-find.

BP+OSD: Panteleev and Kalachev, arXiv:1904.02703; Roffe et al., arXiv:2005.07016. BP+LSD: Hillmann et al.,
arXiv:2406.18655. Union-find: Delfosse and Nickerson, arXiv:1709.06218.

Belief propagation rests on the checks it is given. A circuit whose detectors are only independent stabilisers of a
subsystem code decodes up to ten times worse than one with all measured relations, though nothing is missing for a
matching decoder. ``faults.misdecoded`` shows it: such a decoder gets single faults wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import stim

from qmk.base.errors import QmkError
from qmk.models.qec.decoders import matrix
from qmk.models.qec.decoders.interface import Bits, Compiled, Decoder, check_shape, library, packed_width
from qmk.models.qec.decoders.matching import check_pairs
from qmk.models.qec.decoders.matrix import Matrix

SCALE = (
    0.625  # of min-sum: half the logical error of ldpc's own 1 - 2^-i on the [[49,9,4]] code, and every single fault
)


class Linear:
    """A decoder that finds errors of a given syndrome, one shot at a time. ``find`` maps uint8 bits to uint8 bits."""

    def __init__(self, checks: Matrix, find: Callable[[Bits], Bits]) -> None:
        self._matrix = checks
        self._find = find

    def decode(self, dets: Bits) -> Bits:
        check_shape(dets, self._matrix.detectors)
        flips = np.zeros((len(dets), packed_width(self._matrix.num_observables)), np.uint8)
        for shot in np.flatnonzero(dets.any(axis=1)):
            syndrome = np.unpackbits(dets[shot], count=self._matrix.detectors, bitorder="little")
            flips[shot] = self._matrix.flips(self._find(syndrome))
        return flips


def _bp(checks: Matrix, name: str, kind: str, iterations: float, **options: Any) -> Compiled:
    decoder = getattr(library("ldpc", name), kind)(
        checks.checks(name),
        error_channel=list(checks.priors),
        max_iter=int(iterations),
        bp_method="minimum_sum",
        ms_scaling_factor=SCALE,
        schedule="parallel",
        **options,
    )
    return Linear(checks, decoder.decode)


def _sweep(checks: Matrix, order: float) -> int:
    """The order of a combination sweep, which goes over columns outside of the pivots: ldpc 2.4 writes past its memory
    where there are fewer of them."""
    return min(int(order), max(0, len(checks.columns) - checks.detectors))


def _bp_osd(dem: stim.DetectorErrorModel, *, order: float, iterations: float) -> Compiled:
    checks = matrix.from_dem(dem)
    method = "OSD_CS" if _sweep(checks, order) else "OSD_0"
    return _bp(checks, "bp_osd", "BpOsdDecoder", iterations, osd_method=method, osd_order=_sweep(checks, order))


def _bp_lsd(dem: stim.DetectorErrorModel, *, order: float, iterations: float) -> Compiled:
    if order > 1:
        raise QmkError(
            "INVALID_PARAMS",
            f"decoder bp_lsd: order {order:g}; ldpc 2.4 writes past its memory in clusters with fewer free columns",
            field="decoder",
            help="give order 0 or 1, or use bp_osd",
        )
    method = "LSD_CS" if order else "LSD_0"
    checks = matrix.from_dem(dem)
    return _bp(checks, "bp_lsd", "BpLsdDecoder", iterations, lsd_method=method, lsd_order=int(order))


def _union_find(dem: stim.DetectorErrorModel) -> Compiled:
    edges = matrix.from_dem(dem, decomposed=True)
    weights = np.log((1 - edges.priors) / edges.priors)
    decoder: Any = library("ldpc", "union_find").UnionFindDecoder(edges.checks("union_find"), uf_method="peeling")
    return Linear(edges, lambda syndrome: decoder.decode(syndrome, llrs=weights, bits_per_step=0))


BP_OSD = Decoder(
    "bp_osd",
    "belief propagation, then ordered statistics (combination sweep of this order) where it does not converge",
    _bp_osd,
    graphlike=False,
    batch_shots=512,
    one_basis=True,
    options={"order": 10, "iterations": 100},
    least={"iterations": 1},
)

BP_LSD = Decoder(
    "bp_lsd",
    "belief propagation, then localised statistics of this order where it does not converge",
    _bp_lsd,
    graphlike=False,
    batch_shots=512,
    one_basis=True,
    options={"order": 0, "iterations": 100},
    least={"iterations": 1},
)

UNION_FIND = Decoder(
    "union_find",
    "clusters grown along the likeliest edges, then peeled",
    _union_find,
    graphlike=True,
    batch_shots=2048,
    by_parts=True,
    check=lambda dem: check_pairs("union_find", dem),
)
