"""Evolutions with their atoms in the order of the chain, and that order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmk.ir.fields import Knots, knots, level, line, segments
from qmk.ir.program import Gate
from qmk.ir.winding import winding
from qmk.qvm.families import analog

Array = npt.NDArray[np.float64]
Matrices = npt.NDArray[np.complex128]

DIRECTIONS = 12
"""Directions in which coordinates are sorted to find an order."""


@dataclass(frozen=True)
class Drive:
    """Light: knots of amplitude, phase and detuning (us, rad/us, rad), and what each site feels of them."""

    fields: tuple[Knots, Knots, Knots]
    weights: Array


@dataclass(frozen=True)
class Evolution:
    """One evolution, its atoms by site. ``pairs``: symmetric, shape (n, n), rad/us, 0 for atoms that take no part."""

    pairs: Array
    drives: tuple[Drive, ...]
    duration: float
    winding: float

    def segments(self) -> list[tuple[float, float]]:
        """Between knots: there all fields are smooth."""
        return segments((field for drive in self.drives for field in drive.fields), self.duration)

    def onsite(self, t: float, inside: float) -> Matrices:
        """Of each site, shape (n, 2, 2), row and column g, r; ``inside`` lies in the segment of ``t``."""
        out = np.zeros((len(self.pairs), 2, 2), dtype=np.complex128)
        for drive in self.drives:
            amplitude, phase, detuning = drive.fields
            coupling = 0.5 * line(amplitude, t, inside) * np.exp(1j * level(phase, inside))
            out[:, 0, 1] += coupling * drive.weights
            out[:, 1, 0] += np.conj(coupling) * drive.weights
            out[:, 1, 1] -= line(detuning, t, inside) * drive.weights
        return out


def evolution(item: Gate, site: Sequence[int]) -> Evolution:
    """``item`` with qubit q at ``site[q]``; atoms that it does not name keep their state."""
    n, args = len(site), item.args
    places = [site[qubit] for qubit in item.qubits]
    pairs = np.zeros((n, n))
    for i, j, energy in analog.interactions(args):
        pairs[places[i], places[j]] = pairs[places[j], places[i]] = energy
    drives: list[Drive] = []
    for drive in args["drives"]:
        weights = np.zeros(n)
        weights[places] = drive.get("pattern", [1.0] * len(places))
        amplitude, phase, detuning = (knots(drive.get(name)) for name in analog.FIELDS)
        drives.append(Drive((amplitude, phase, detuning), weights))
    return Evolution(pairs, tuple(drives), float(args["duration"]), winding(args))


def chain(items: Sequence[Gate], n: int) -> list[int]:
    """The site of each qubit: of several orders the one in which interactions reach least far, energy times distance.
    Orders: as the qubits are numbered; by the second eigenvector of the interactions' Laplacian; and snakes, sorted by
    the coordinate in a direction, and among equal ones to and fro across it."""
    energies = np.zeros((n, n))
    for item in items:
        for i, j, energy in analog.interactions(item.args):
            a, b = item.qubits[i], item.qubits[j]
            energies[a, b] = energies[b, a] = max(energies[a, b], abs(energy))
    if n < 3 or not energies.any():
        return list(range(n))
    energies = np.minimum(energies, np.median(energies.max(axis=1)))  # one close pair does not decide it all
    orders = [list(range(n)), _spectral(energies)]
    orders += [order for item in items for order in _snakes(item, n)]
    best = min(orders, key=lambda order: (round(_reach(energies, order), 9), orders.index(order)))
    site = [0] * n
    for at, qubit in enumerate(best):
        site[qubit] = at
    return site


def _reach(energies: Array, order: Sequence[int]) -> float:
    at = np.arange(len(order))
    return float((energies[np.ix_(order, order)] * abs(at[:, None] - at)).sum())


def _spectral(energies: Array) -> list[int]:
    _, vectors = np.linalg.eigh(np.diag(energies.sum(axis=1)) - energies)
    return np.argsort(np.round(vectors[:, 1], 9), kind="stable").tolist()


def _snakes(item: Gate, n: int) -> Iterator[list[int]]:
    points = np.array(item.args["positions"], dtype=np.float64)[:, :2]
    rest = [qubit for qubit in range(n) if qubit not in item.qubits]
    for k in range(DIRECTIONS):
        angle = math.pi * k / DIRECTIONS
        along = np.round(points @ (math.cos(angle), math.sin(angle)), 3)
        across = np.round(points @ (-math.sin(angle), math.cos(angle)), 3)
        rows = [np.flatnonzero(along == value) for value in np.unique(along)]
        snake = [at for number, row in enumerate(rows) for at in row[np.argsort((-1) ** number * across[row])]]
        yield [item.qubits[at] for at in snake] + rest
