"""Photons in interferometers, with loss or without: boson sampling by permanents.

A photon that is lost goes into a mode of its own that nothing looks at, so that the whole is one unitary U. The
amplitude of output m from input n is the permanent of U's rows by m and columns by n, over the root of all m! n!.
Samples are drawn photon by photon (Clifford and Clifford, "The classical complexity of boson sampling",
arXiv:1706.01260, algorithm B). Permanents are Glynn's sum over signs ("The permanent of a square matrix",
2010), all signs at once.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qmk.exact.light.setup import Matrix, Optics
from qmk.sdk.engine import Unsupported

MOST_PHOTONS = 20
"""Photons of which permanents are computed: the terms of a sum double with each."""


def unitary(found: Optics) -> Matrix:
    """U of the whole, modes of lost photons last. Raises ``Unsupported`` for what is not linear optics."""
    if not found.is_linear:
        raise Unsupported("only photons in interferometers, with loss or without")
    lossy = [step for step in found.steps if step.kind == "lose" and step.z.real < 1]
    whole = np.eye(found.n_modes + len(lossy), dtype=np.complex128)
    free = found.n_modes
    for step in found.steps:
        if step.matrix is not None:
            whole[list(step.modes)] = step.matrix @ whole[list(step.modes)]
        elif step.z.real < 1:
            c, s = math.sqrt(step.z.real), math.sqrt(1 - step.z.real)
            rows = [step.modes[0], free]
            whole[rows] = np.array([[c, -s], [s, c]]) @ whole[rows]
            free += 1
    return whole


@functools.cache
def _signs(size: int) -> npt.NDArray[np.float64]:
    """Signs of Glynn's sum, shape (2^(size - 1), size); the first is +1."""
    rows = (np.arange(1 << (size - 1))[:, None] >> np.arange(size - 1)) & 1
    return np.concatenate([np.ones((len(rows), 1)), 1.0 - 2.0 * rows], axis=1).astype(np.float64)


def permanent(matrix: Matrix) -> complex:
    """The permanent of a square matrix."""
    size = len(matrix)
    if not size:
        return 1.0
    signs = _signs(size)
    return complex((np.prod(signs, axis=1) * np.prod(signs @ matrix, axis=1)).sum() / len(signs))


def permanents_without(matrix: Matrix) -> npt.NDArray[np.complex128]:
    """The permanents of a matrix of one row less than columns, without each column in turn."""
    size = matrix.shape[1]
    return np.array([permanent(np.delete(matrix, k, axis=1)) for k in range(size)], dtype=np.complex128)


def amplitude(whole: Matrix, inputs: Sequence[int], outputs: Sequence[int]) -> complex:
    """Of photon numbers ``outputs`` from ``inputs``."""
    columns = [mode for mode, n in enumerate(inputs) for _ in range(n)]
    rows = [mode for mode, n in enumerate(outputs) for _ in range(n)]
    if len(rows) != len(columns):
        return 0.0
    scale = math.prod(math.factorial(n) for n in (*inputs, *outputs))
    return permanent(whole[np.ix_(rows, columns)]) / math.sqrt(scale)


def probabilities(found: Optics) -> dict[tuple[int, ...], float]:
    """Of the photon numbers that are measured, in the order of the readings: all outputs, by permanents."""
    whole, total = unitary(found), sum(found.photons)
    inputs = [*found.photons, *(0,) * (len(whole) - found.n_modes)]
    out: dict[tuple[int, ...], float] = {}
    for rows in itertools.combinations_with_replacement(range(len(whole)), total):
        outputs = np.bincount(rows, minlength=len(whole)).tolist() if rows else [0] * len(whole)
        key = tuple(outputs[reading.mode] for reading in found.readings)
        out[key] = out.get(key, 0.0) + abs(amplitude(whole, inputs, outputs)) ** 2
    return out


def sample(found: Optics, shots: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """The number that each reading tells, a row of ``shots`` each."""
    if any(reading.kind in ("homodyne", "heterodyne") for reading in found.readings):
        raise Unsupported("homodyne or heterodyne of single photons")
    whole = unitary(found)
    columns = np.array([mode for mode, n in enumerate(found.photons) for _ in range(n)], dtype=np.intp)
    if len(columns) > MOST_PHOTONS:
        raise Unsupported(f"{len(columns)} photons; permanents of at most {MOST_PHOTONS} are computed")
    counts = np.zeros((shots, len(whole)), dtype=np.int64)
    for shot in range(shots):
        for mode in _one_shot(whole, rng.permutation(columns), rng):
            counts[shot, mode] += 1
    return [np.minimum(counts[:, reading.mode], reading.most) for reading in found.readings]


def _one_shot(whole: Matrix, columns: npt.NDArray[np.intp], rng: np.random.Generator) -> list[int]:
    rows: list[int] = []
    for k in range(1, len(columns) + 1):
        minors = permanents_without(whole[rows][:, columns[:k]]) if k > 1 else np.ones(1)
        weights = np.abs(whole[:, columns[:k]] @ minors) ** 2
        rows.append(int(rng.choice(len(whole), p=weights / weights.sum())))
    return rows
