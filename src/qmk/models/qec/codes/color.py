"""The triangular colour code of hexagons (Bombin, Martin-Delgado, Phys. Rev. Lett. 97, 180501 (2006)).

Points (x, y), 0 <= x, y and x + y < (3 d - 1) / 2, of a triangular lattice: faces where x - y = 2 modulo 3, of colour
y modulo 3, with the up to six neighbours of the point as data qubits; X and Z on all qubits of each face.
"""

from __future__ import annotations

import numpy as np

from qmk.models.qec.code import Code

NEIGHBOURS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
"""Offsets of the neighbours around a face."""

CYCLE = ("reset", "2q", "2q", "2q", "2q", "2q", "2q", "measure") * 2


def layout(d: int) -> tuple[dict[tuple[int, int], int], list[tuple[int, int]]]:
    """Data qubits by point, and the points of faces."""
    side = (3 * d - 1) // 2
    points = [(x, y) for y in range(side) for x in range(side - y)]
    data = [point for point in points if (point[0] - point[1]) % 3 != 2]
    return {point: number for number, point in enumerate(data)}, [point for point in points if point not in set(data)]


def place(x: int, y: int) -> tuple[float, float]:
    return (x + y / 2, float(y))


def build(d: int) -> Code:
    data, faces = layout(d)
    h = np.zeros((len(faces), len(data)), dtype=np.uint8)
    for row, (x, y) in enumerate(faces):
        h[row, [data[x + dx, y + dy] for dx, dy in NEIGHBOURS if (x + dx, y + dy) in data]] = 1
    edge = np.array([[int(y == 0) for _, y in data]], dtype=np.uint8)
    return Code(
        family="color",
        name="6.6.6 colour code",
        params={"d": d},
        n=len(data),
        k=1,
        distance=d,
        ancillas=len(faces),
        cycle=CYCLE,
        hx=h,
        hz=h,
        gx=h,
        gz=h,
        lx=edge,
        lz=edge,
        coords=tuple(place(x, y) for x, y in data),
    )
