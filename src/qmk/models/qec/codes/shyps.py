"""SHYPS, subsystem hypergraph product simplex codes (Malcolm et al., arXiv:2502.07150).

H is the n by n circulant of a primitive polynomial of degree r, n = 2^r - 1: its kernel is the simplex code, generated
by G, of distance 2^(r-1). Gauge operators X = H (x) I, Z = I (x) H, of weight 3; stabilisers X = H (x) G, Z = G (x) H;
bare logical operators Z = g (x) e_j, X = e_i (x) g. All n rows of H are kept, though n - r of them span the others: the
relations between them are what makes one round of outcomes correct itself.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec import gf2
from qmk.models.qec.code import Code
from qmk.models.qec.gf2 import Bits

POLYNOMIALS = {3: (0, 1, 3), 4: (0, 1, 4), 5: (0, 2, 5)}
"""Exponents of primitive trinomials."""

CYCLE = ("reset", "2q", "2q", "2q", "measure", "2q", "2q", "measure")


def circulant(r: int) -> Bits:
    n = (1 << r) - 1
    rows = np.zeros((n, n), dtype=np.uint8)
    for exponent in POLYNOMIALS[r]:
        rows[np.arange(n), (np.arange(n) + exponent) % n] = 1
    return rows


def build(r: int) -> Code:
    h = circulant(r)
    n = len(h)
    g = gf2.kernel(h)
    one = np.eye(n, dtype=np.uint8)
    units = one[gf2.row_reduce(g)[1]]
    g = gf2.row_reduce(g)[0]
    return Code(
        family="shyps",
        name="SHYPS code",
        params={"r": r},
        n=n * n,
        k=r * r,
        distance=1 << (r - 1),
        ancillas=2 * n * n,
        cycle=CYCLE,
        hx=np.kron(h, g),
        hz=np.kron(g, h),
        gx=np.kron(h, one),
        gz=np.kron(one, h),
        lx=np.kron(units, g),
        lz=np.kron(g, units),
        coords=tuple((2.0 * (q % n), 2.0 * (q // n)) for q in range(n * n)),
        checks={"h": h, "g": g},
    )
