"""Bivariate bicycle codes (Bravyi et al., Nature 627, 778 (2024)): two blocks of l m qubits on a torus.

A and B are sums of three monomials in x and y, the cyclic shifts of l and m places; stabilisers X = [A | B] and
Z = [B^T | A^T], all of weight 6. The codes are those of the paper's table 1.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec import gf2
from qmk.models.qec.code import Code
from qmk.models.qec.gf2 import Bits

Monomial = tuple[int, int]

TABLE: dict[tuple[int, int], tuple[tuple[Monomial, ...], tuple[Monomial, ...], int]] = {
    (6, 6): (((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), 6),
    (15, 3): (((9, 0), (0, 1), (0, 2)), ((0, 0), (2, 0), (7, 0)), 10),
    (9, 6): (((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), 10),
    (12, 6): (((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), 12),
    (12, 12): (((3, 0), (0, 2), (0, 7)), ((0, 3), (1, 0), (2, 0)), 18),
}
"""(l, m): exponents (of x, of y) in A and in B, distance"""

CYCLE = ("reset", *("2q",) * 5, "measure", "measure")


def monomial(l: int, m: int, exponents: Monomial) -> Bits:
    """The permutation matrix of x^i y^j."""
    x = np.roll(np.eye(l, dtype=np.uint8), exponents[0], axis=1)
    y = np.roll(np.eye(m, dtype=np.uint8), exponents[1], axis=1)
    return gf2.bits(np.kron(x, y))


def build(l: int, m: int) -> Code:
    a, b, distance = TABLE[l, m]
    left = gf2.bits(sum(monomial(l, m, term) for term in a))
    right = gf2.bits(sum(monomial(l, m, term) for term in b))
    hx, hz = np.hstack([left, right]), np.hstack([right.T, left.T])
    lx = gf2.independent_rows(gf2.kernel(hz), hx)
    lz = gf2.conjugate_rows(lx, gf2.independent_rows(gf2.kernel(hx), hz))
    half = l * m
    return Code(
        family="bicycle",
        name="bivariate bicycle code",
        params={"l": l, "m": m},
        n=2 * half,
        k=len(lx),
        distance=distance,
        ancillas=2 * half,
        cycle=CYCLE,
        hx=hx,
        hz=hz,
        gx=hx,
        gz=hz,
        lx=lx,
        lz=lz,
        coords=tuple((2.0 * (q // m) + s, 2.0 * (q % m)) for s in (0, 1) for q in range(half)),
    )
