"""A detector error model as a check matrix: what belief propagation, union-find and windows work on.

Column j is a mechanism: the detectors it flips, the observables it flips, its probability. Mechanisms of the same
detectors are one column, as nothing can tell them apart: it has the chance of an odd number of them,
p + q - 2 p q, and the observables of the likeliest. Mechanisms without a detector are left out: they raise the error
rate whatever is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import stim

from qmk.models.qec.decoders.interface import Bits, library, packed_width

LEAST, MOST = 1e-15, 1 - 1e-15


@dataclass(frozen=True, eq=False)
class Matrix:
    """``columns[j]``: detectors in order. ``observables[j]``: bit-packed little-endian. ``priors[j]``: probability."""

    detectors: int
    num_observables: int
    columns: tuple[tuple[int, ...], ...]
    observables: Bits
    priors: npt.NDArray[np.float64]

    def checks(self, decoder: str) -> Any:
        """The check matrix, detectors by mechanisms, as SciPy's compressed rows. Raises UNSUPPORTED without SciPy."""
        sparse = library("scipy.sparse", decoder)
        lengths = [len(column) for column in self.columns]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.fromiter((row for column in self.columns for row in column), np.int32, int(starts[-1]))
        shape = (self.detectors, len(self.columns))
        return sparse.csc_matrix((np.ones(len(rows), np.uint8), rows, starts), shape=shape).tocsr()

    def flips(self, errors: npt.NDArray[Any]) -> Bits:
        """The observables, bit-packed, that the mechanisms where ``errors`` is not 0 flip together."""
        return np.bitwise_xor.reduce(self.observables[np.flatnonzero(errors)], axis=0)


Mechanism = tuple[tuple[int, ...], frozenset[int], float]
Part = tuple[list[int], list[int]]
Errors = list[tuple[float, list[Part]]]


def parts_of(error: stim.DemInstruction) -> Iterator[Part]:
    """Detectors and observables of each part that an error is decomposed into."""
    part: Part = ([], [])
    targets: list[Any] = error.targets_copy()
    for target in targets:
        if target.is_separator():
            yield part
            part = ([], [])
        else:
            part[0 if target.is_relative_detector_id() else 1].append(target.val)
    yield part


def each_error(dem: stim.DetectorErrorModel) -> Iterator[tuple[float, list[Part]]]:
    """Probability and parts of every error, one after the other: long circuits have millions."""
    found: Iterator[Any] = iter(dem.flattened())
    return ((item.args_copy()[0], list(parts_of(item))) for item in found if item.type == "error")


def errors_of(dem: stim.DetectorErrorModel) -> Errors:
    """Probability and parts of every error."""
    return list(each_error(dem))


def mechanisms(dem: stim.DetectorErrorModel, *, decomposed: bool) -> Iterator[Mechanism]:
    """Detectors, observables and probability of each error; of each part of it where ``decomposed``."""
    for chance, parts in each_error(dem):
        for group in ([part] for part in parts) if decomposed else [parts]:
            detectors = _odd(name for part in group for name in part[0])
            observables = _odd(name for part in group for name in part[1])
            yield tuple(sorted(detectors)), frozenset(observables), chance


def _odd(names: Iterable[int]) -> set[int]:
    """Those that are named an odd number of times."""
    found: set[int] = set()
    for name in names:
        found ^= {name}
    return found


def from_dem(dem: stim.DetectorErrorModel, *, decomposed: bool = False) -> Matrix:
    """The check matrix of ``dem``; with ``decomposed``, of the parts that its errors are decomposed into."""
    return merge(mechanisms(dem, decomposed=decomposed), dem.num_detectors, dem.num_observables)


def merge(found: Iterator[Mechanism], detectors: int, observables: int) -> Matrix:
    """One column for each set of detectors, in order of first appearance."""
    chances: dict[tuple[int, ...], dict[frozenset[int], float]] = {}
    for dets, obs, chance in found:
        if dets and chance > 0:
            by_obs = chances.setdefault(dets, {})
            before = by_obs.get(obs, 0.0)
            by_obs[obs] = before + chance - 2 * before * chance
    packed = np.zeros((len(chances), packed_width(observables)), np.uint8)
    priors = np.zeros(len(chances))
    for j, by_obs in enumerate(chances.values()):
        likeliest = max(by_obs, key=lambda obs: by_obs[obs])
        for k in likeliest:
            packed[j, k // 8] |= 1 << (k % 8)
        odd = 0.0
        for chance in by_obs.values():
            odd = odd + chance - 2 * odd * chance
        priors[j] = min(max(odd, LEAST), MOST)
    return Matrix(detectors, observables, tuple(chances), packed, priors)
