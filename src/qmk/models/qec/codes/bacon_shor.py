"""The Bacon-Shor code on d by d qubits (Bacon, Phys. Rev. A 73, 012340 (2006)).

Data qubit (i, j) has the index i + d j. Gauge operators: XX on neighbours in a column (i, j), (i, j + 1), ZZ on
neighbours in a row (i, j), (i + 1, j). Stabilisers: X on two neighbouring rows, Z on two neighbouring columns.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec.code import Code

CYCLE = ("reset", "2q", "2q", "measure", "2q", "measure")


def build(d: int) -> Code:
    neighbours = np.zeros((d - 1, d), dtype=np.uint8)
    for row in range(d - 1):
        neighbours[row, row : row + 2] = 1
    one, every = np.eye(d, dtype=np.uint8), np.ones((1, d), dtype=np.uint8)
    first = one[:1]
    return Code(
        family="bacon_shor",
        name="Bacon-Shor code",
        params={"d": d},
        n=d * d,
        k=1,
        distance=d,
        ancillas=2 * d * (d - 1),
        cycle=CYCLE,
        hx=np.kron(neighbours, every),
        hz=np.kron(every, neighbours),
        gx=np.kron(neighbours, one),
        gz=np.kron(one, neighbours),
        lx=np.kron(first, every),
        lz=np.kron(every, first),
        coords=tuple((2.0 * (q % d) + 1, 2.0 * (q // d) + 1) for q in range(d * d)),
        note="no threshold: each noise has a best distance",
    )
