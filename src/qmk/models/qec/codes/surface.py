"""The rotated surface code (Bombin, Martin-Delgado, Phys. Rev. A 76, 012305 (2007)), laid out as Stim's generator does.

Data qubit (i, j), i, j < d, is at (2i + 1, 2j + 1) and has the index i + d j; plaquettes are at even coordinates, Z
where their half coordinates have an even sum. The logical Z is the row j = 0, the logical X the column i = 0.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec.code import Code
from qmk.models.qec.gf2 import Bits

CYCLE = ("reset", "1q", "2q", "2q", "2q", "2q", "1q", "measure")


def plaquettes(width: int, height: int) -> list[tuple[str, int, int]]:
    """(basis, x, y) of the plaquettes of a patch of width times height data qubits, in reading order: half coordinates
    x <= width, y <= height. X on the boundaries above and below, Z on those at the sides."""
    found: list[tuple[str, int, int]] = []
    for y in range(height + 1):
        for x in range(width + 1):
            kind = "X" if (x + y) % 2 else "Z"
            if (x in (0, width) and kind == "X") or (y in (0, height) and kind == "Z"):
                continue
            found.append((kind, x, y))
    return found


def corners(x: int, y: int, width: int, height: int) -> list[int]:
    """The data qubits of the plaquette at half coordinates (x, y)."""
    return [i + width * j for j in (y - 1, y) for i in (x - 1, x) if 0 <= i < width and 0 <= j < height]


def build(d: int) -> Code:
    found = plaquettes(d, d)
    matrices: dict[str, Bits] = {}
    for kind in "XZ":
        rows = [(x, y) for basis, x, y in found if basis == kind]
        matrix = np.zeros((len(rows), d * d), dtype=np.uint8)
        for row, (x, y) in enumerate(rows):
            matrix[row, corners(x, y, d, d)] = 1
        matrices[kind] = matrix
    lx, lz = np.zeros((1, d * d), dtype=np.uint8), np.zeros((1, d * d), dtype=np.uint8)
    lz[0, :d] = 1
    lx[0, ::d] = 1
    return Code(
        family="surface",
        name="rotated surface code",
        params={"d": d},
        n=d * d,
        k=1,
        distance=d,
        ancillas=d * d - 1,
        cycle=CYCLE,
        hx=matrices["X"],
        hz=matrices["Z"],
        gx=matrices["X"],
        gz=matrices["Z"],
        lx=lx,
        lz=lz,
        coords=tuple((2.0 * (q % d) + 1, 2.0 * (q // d) + 1) for q in range(d * d)),
    )
