"""Bivariate bicycle codes: the round of Bravyi et al., Nature 627, 778 (2024), of seven layers of CNOT.

Ancillas of X are prepared while the first CNOTs of Z run, and those of Z measured while the last of X run; then those
of X are measured and those of Z prepared anew.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec import gf2
from qmk.models.qec.circuits.plan import Op, Plan, Watch, layers_of
from qmk.models.qec.code import Code
from qmk.models.qec.codes.bicycle import TABLE, monomial

ORDER_X = (None, 1, 4, 3, 5, 0, 2)
ORDER_Z = (3, 5, 0, 1, 2, 4, None)
"""Which of its six neighbours a check meets in each layer: of X, terms of A then of B; of Z, of B then of A."""


def plan(code: Code) -> Plan:
    l, m = code.params["l"], code.params["m"]
    half, n = l * m, code.n
    a, b, _ = TABLE[l, m]
    to = [[np.argmax(monomial(l, m, term), axis=1) for term in terms] for terms in (a, b)]
    back = [[np.argmax(monomial(l, m, term).T, axis=1) for term in terms] for terms in (a, b)]
    near_x = [*(column for column in to[0]), *(half + column for column in to[1])]
    near_z = [*(column for column in back[1]), *(half + column for column in back[0])]
    xs, zs = tuple(range(n, n + half)), tuple(range(n + half, n + 2 * half))
    layers: list[list[Op]] = []
    for x, z in zip(ORDER_X, ORDER_Z, strict=True):
        pairs = [] if x is None else [q for i in range(half) for q in (xs[i], int(near_x[x][i]))]
        pairs += [] if z is None else [q for i in range(half) for q in (int(near_z[z][i]), zs[i])]
        other: list[Op] = [("RX", xs)] if x is None else [("M", zs)] if z is None else []
        layers.append([("CX", tuple(pairs)), *other])
    layers.append([("MX", xs), ("R", zs)])
    watches: list[Watch] = []
    assert code.hx is not None, "a CSS code"
    assert code.hz is not None, "a CSS code"
    coords = dict(enumerate(code.coords))
    for basis, h, first, shift in (("Z", code.hz, 0, (1.0, 1.0)), ("X", code.hx, half, (0.0, 1.0))):
        for row in range(half):
            x, y = 2.0 * (row // m) + shift[0], 2.0 * (row % m) + shift[1]
            watches.append(Watch(basis, (first + row,), tuple(np.flatnonzero(h[row]).tolist()), (x, y)))
            coords[(zs if basis == "Z" else xs)[row]] = (x, y)
    assert code.lx is not None, "a CSS code"
    assert code.lz is not None, "a CSS code"
    observables = {
        basis: tuple(tuple(np.flatnonzero(row).tolist()) for row in rows)
        for basis, rows in (("X", code.lx), ("Z", code.lz))
    }
    relations = {
        "Z": tuple(tuple(np.flatnonzero(row).tolist()) for row in gf2.kernel(np.ascontiguousarray(code.hz.T))),
        "X": tuple(tuple((half + np.flatnonzero(r)).tolist()) for r in gf2.kernel(np.ascontiguousarray(code.hx.T))),
    }
    before: tuple[Op, ...] = (("R", zs),)
    return Plan(tuple(range(n)), coords, layers_of(layers), tuple(watches), observables, relations, before)
