"""The Hamiltonian of a chain with all its pairs as a matrix product operator.

Interactions across a cut are a matrix, left sites by right sites; its singular vectors are what the operator carries
through the cut (Frowis, Nebendahl and Dur, Phys. Rev. A 81, 062337 (2010)). Van der Waals tails have few of them
that matter. What is left out is known exactly, as a sum over pairs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FIRST = 1e-2
"""Singular values below this, in rad/us, are left out at first."""


@dataclass(frozen=True)
class Tails:
    """``sites``: for each site how what comes from the left goes on, shape (left, right), what the site adds to it,
    shape (right,), and what it closes, shape (left,). ``left_out``: sum over pairs of what is missing, rad/us; the
    Hamiltonian is that near to the one asked for, in norm."""

    sites: tuple[tuple[Array, Array, Array], ...]
    left_out: float

    @property
    def bond(self) -> int:
        return 2 + max((through.shape[1] for through, _, _ in self.sites), default=0)


def compress(pairs: Array, allowed: float) -> Tails:
    """``pairs``, symmetric, shape (n, n), with at most ``allowed`` left out, rad/us."""
    least = FIRST
    while True:
        tails = _compress_at(pairs, least)
        if tails.left_out <= allowed or least < 1e-13:
            return tails
        least /= 10


def _compress_at(pairs: Array, least: float) -> Tails:
    n = len(pairs)
    bases = [np.zeros((0, 0))]
    for k in range(1, n):
        vectors, values, _ = np.linalg.svd(pairs[:k, k:], full_matrices=False)
        bases.append(vectors[:, values > least])
    bases.append(np.zeros((n, 0)))
    sites: list[tuple[Array, Array, Array]] = []
    for k, (left, right) in enumerate(itertools.pairwise(bases)):
        sites.append((left.T @ right[:k], right[k], left.T @ pairs[:k, k]))
    missing = 0.0
    for i in range(n):
        carried = sites[i][1]
        for j in range(i + 1, n):
            through, _, closing = sites[j]
            missing += abs(pairs[i, j] - float(carried @ closing))
            carried = carried @ through
    return Tails(tuple(sites), missing)
