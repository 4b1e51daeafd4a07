"""The repetition code on a line: data qubit i at (2i, 0), the check of qubits i and i + 1 between them.

It protects the logical Z from bit flips, up to (d - 1) / 2 of them, and nothing from phase flips.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec.code import Code

CYCLE = ("reset", "2q", "2q", "measure")


def build(d: int) -> Code:
    none = np.zeros((0, d), dtype=np.uint8)
    checks = np.zeros((d - 1, d), dtype=np.uint8)
    for row in range(d - 1):
        checks[row, row : row + 2] = 1
    lz = np.zeros((1, d), dtype=np.uint8)
    lz[0, 0] = 1
    return Code(
        family="repetition",
        name="repetition code",
        params={"d": d},
        n=d,
        k=1,
        distance=d,
        ancillas=d - 1,
        cycle=CYCLE,
        hx=none,
        hz=checks,
        gx=none,
        gz=checks,
        lx=np.ones((1, d), dtype=np.uint8),
        lz=lz,
        coords=tuple((2.0 * q, 0.0) for q in range(d)),
        note="its distance is that against bit flips; no check sees a phase flip, so that only Z is kept",
    )
