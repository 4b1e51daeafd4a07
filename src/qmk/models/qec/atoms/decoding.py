"""Matching that knows which atoms were lost.

One column a set of detectors and observables that an error may flip. Pauli errors give each its chance; a lost atom
adds that of its ``insertions``, so that for a shot in which it was lost its errors are nearly free. "blind" makes no
use of flags: every shot has the same chances, those of losses weighted by how likely each atom is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qmk.models.qec.atoms import insertions, symptoms
from qmk.models.qec.atoms.steps import Steps
from qmk.models.qec.decoders.interface import Bits, library
from qmk.models.qec.decoders.matrix import Part, errors_of

Use = Literal["aware", "blind"]

LEAST = 1e-12
"""The chance given to an error that the model says cannot happen, so that a shot in which it did is still decoded."""

Column = tuple[tuple[int, ...], frozenset[int]]


class LossDecoder:
    """PyMatching for one memory. ``decode`` takes detection events and flags, shapes (shots, detectors) and
    (shots, lives) of 0 and 1, and gives the observables held for flipped, shape (shots, observables)."""

    def __init__(self, memory: Steps) -> None:
        self._matching: Any = library("pymatching", "matching").Matching
        self._sparse: Any = library("scipy.sparse", "matching")
        circuit = symptoms.circuit_of(memory, noisy=True)
        self._shape = (circuit.num_detectors, circuit.num_observables)
        self._columns: dict[Column, int] = {}
        base = self._terms(_noise(circuit))
        lives = [(life, insertions.insertions(life)) for life in memory.lives]
        split = symptoms.parts(memory, (row for _, rows in lives for row in rows))
        self._lives = [self._terms([(row.p, split[row[:3]]) for row in rows if row[:3] in split]) for _, rows in lives]
        rare = [
            self._terms([(row.p * insertions.chance(life), split[row[:3]]) for row in rows if row[:3] in split])
            for life, rows in lives
        ]
        self._base = self._times(np.ones(len(self._columns)), [base])
        self._mean = self._times(self._base, rare)
        self._checks, self._faults = self._matrices()

    def _terms(self, errors: Iterable[tuple[float, list[Part]]]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Columns, and 1 - 2 p of each."""
        factors: dict[int, float] = {}
        for p, split in errors:
            for detectors, observables in split:
                key = (tuple(sorted(detectors)), frozenset(observables))
                column = self._columns.setdefault(key, len(self._columns))
                factors[column] = factors.get(column, 1.0) * (1 - 2 * p)
        return np.array(list(factors), np.intp), np.array(list(factors.values()))

    @staticmethod
    def _times(before: NDArray[np.float64], terms: list[Any]) -> NDArray[np.float64]:
        """An odd number of independent errors has 1 - 2 p equal to the product of theirs."""
        found = before.copy()
        for columns, factors in terms:
            found[columns] *= factors
        return found

    def _matrices(self) -> tuple[Any, Any]:
        made: list[Any] = []
        for which, rows in enumerate(self._shape):
            entries = [(row, column) for key, column in self._columns.items() for row in key[which]]
            at = np.array(entries, dtype=np.intp).reshape(-1, 2).T
            shape = (rows, len(self._columns))
            made.append(self._sparse.csc_matrix((np.ones(at.shape[1], np.uint8), (at[0], at[1])), shape=shape))
        return made[0], made[1]

    def _compile(self, factors: NDArray[np.float64]) -> Any:
        p = np.clip((1 - factors) / 2, LEAST, 0.5)
        return self._matching(self._checks, weights=np.log((1 - p) / p), faults_matrix=self._faults)

    def decode(self, dets: Bits, lost: Bits, use: Use = "aware") -> Bits:
        """``use`` "blind": as if ``lost`` were not known, but how likely each atom is lost."""
        if use == "blind":
            return self._compile(self._mean).decode_batch(dets)
        found = np.zeros((len(dets), self._shape[1]), np.uint8)
        patterns, which = np.unique(np.packbits(lost, axis=1), axis=0, return_inverse=True)
        order = np.argsort(which.ravel(), kind="stable")
        starts = np.searchsorted(which.ravel()[order], np.arange(len(patterns) + 1))
        for number in range(len(patterns)):
            shots = order[starts[number] : starts[number + 1]]
            terms = [self._lives[life] for life in np.flatnonzero(lost[shots[0]])]
            if not dets[shots].any():
                continue
            found[shots] = self._compile(self._times(self._base, terms)).decode_batch(dets[shots])
        return found


def _noise(circuit: Any) -> list[tuple[float, list[Part]]]:
    return errors_of(circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True))
