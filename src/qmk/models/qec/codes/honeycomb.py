"""The honeycomb code on a torus (Hastings, Haah, Quantum 5, 564 (2021)), drawn as a wall of bricks.

Vertex (i, j), i < w, j < h, has the index i + w j. Edges: (i, j) to (i + 1, j), and to (i, j + 1) where i + j is even.
Plaquette (i, j), i + j even, has the vertices i .. i + 2 of rows j and j + 1 and the colour ((i + j)/2 + j) modulo 3.
An edge has the colour of the plaquettes at its two ends, and is measured as XX, YY or ZZ for colour 0, 1, 2; a
plaquette is P^6 of its colour's Pauli. The colours are measured in turn. There are no stabilisers that stay: what is
kept is the product of outcomes around a plaquette, and the logical operators change with every step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmk.models.qec.code import Code
from qmk.models.qec.gf2 import Bits

CYCLE = ("measure", "measure", "measure")


@dataclass(frozen=True)
class Lattice:
    """``edges`` by colour; ``plaquettes``: (colour, vertices, place)."""

    w: int
    h: int
    edges: tuple[tuple[tuple[int, int], ...], ...]
    plaquettes: tuple[tuple[int, tuple[int, ...], tuple[float, float]], ...]


def lattice(w: int, h: int) -> Lattice:
    def vertex(i: int, j: int) -> int:
        return i % w + w * (j % h)

    plaquettes: list[tuple[int, tuple[int, ...], tuple[float, float]]] = []
    touching: dict[tuple[int, int], list[int]] = {}
    for j in range(h):
        for i in range(j % 2, w, 2):
            colour = ((i + j) // 2 + j) % 3
            ring = [vertex(i, j), vertex(i + 1, j), vertex(i + 2, j)]
            ring += [vertex(i + 2, j + 1), vertex(i + 1, j + 1), vertex(i, j + 1)]
            plaquettes.append((colour, tuple(ring), (float(i + 1), j + 0.5)))
            for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
                touching.setdefault((min(a, b), max(a, b)), []).append(colour)
    edges: tuple[list[tuple[int, int]], ...] = ([], [], [])
    for edge, (one, other) in sorted(touching.items()):
        edges[3 - one - other].append(edge)
    return Lattice(w, h, tuple(tuple(found) for found in edges), tuple(plaquettes))


def build(w: int, h: int) -> Code:
    found = lattice(w, h)
    return Code(
        family="honeycomb",
        name="honeycomb code",
        params={"w": w, "h": h},
        n=w * h,
        k=2,
        distance=min(w // 3, h // 2),
        ancillas=0,
        cycle=CYCLE,
        coords=tuple((float(q % w), float(q // w)) for q in range(w * h)),
        note="Floquet: two-qubit Pauli measurements only, nothing else than data qubits",
        checks={f"{name}{name}": incidence(found, colour) for colour, name in enumerate("XYZ")},
    )


def incidence(found: Lattice, colour: int) -> Bits:
    """Rows: the edges of a colour, as vertices."""
    rows = np.zeros((len(found.edges[colour]), found.w * found.h), dtype=np.uint8)
    for row, edge in enumerate(found.edges[colour]):
        rows[row, list(edge)] = 1
    return rows
