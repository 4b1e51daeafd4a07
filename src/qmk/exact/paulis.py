"""Pauli strings: what shots say of them, and what they do to a state vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qmk.ir.bases import Basis
from qmk.ir.bits import Bits
from qmk.qvm.outputs import Estimate, Observable

Array = npt.NDArray[np.complex128]


class Tally:
    """Estimates of observables from the shots of several bases.

    Shots of one basis answer many strings at once, so an observable's error is that of its sum within a shot, which
    counts how they go together. Where all shots agree their spread says nothing: an error is never less than
    half of what one deviating shot would have made of it.
    """

    def __init__(self, observables: Sequence[Observable]) -> None:
        self._observables = observables
        self._sums = [sum(c for text, c in row if not text.strip("I")) for row in observables]
        self._variances = [0.0] * len(observables)

    def add(self, basis: Basis, qubits: Sequence[int], bits: Bits) -> None:
        """``bits``: shape (shots, len(qubits)), the outcomes of those qubits in the basis."""
        column = {qubit: at for at, qubit in enumerate(qubits)}
        mine = set(basis.strings)
        signs: dict[str, npt.NDArray[np.float64]] = {}
        shots = len(bits)
        for at, observable in enumerate(self._observables):
            parts = [(text, factor) for text, factor in observable if text in mine]
            if not parts:
                continue
            total = np.zeros(shots)
            for text, factor in parts:
                if text not in signs:
                    columns = [column[qubit] for qubit, letter in enumerate(text) if letter != "I"]
                    signs[text] = 1.0 - 2.0 * (bits[:, columns].sum(axis=1) & 1)
                total += factor * signs[text]
            spread = float(total.var(ddof=1)) / shots if shots > 1 else 0.0
            least = sum(abs(factor) for _, factor in parts) / shots
            self._sums[at] += float(total.mean())
            self._variances[at] += max(spread, least**2)

    def estimates(self) -> list[Estimate]:
        return [Estimate(value, variance**0.5) for value, variance in zip(self._sums, self._variances, strict=True)]


def expectation(state: Array, paulis: str) -> float:
    """Of a Pauli string in a state vector of norm 1, qubit 0 the highest bit of an index."""
    n = len(paulis)
    image = state.reshape((2,) * n)
    for qubit, letter in enumerate(paulis):
        image = _apply(image, qubit, letter)
    return float(np.vdot(state, image.reshape(-1)).real)


def _apply(state: Array, qubit: int, letter: str) -> Array:
    if letter == "I":
        return state
    shape = [1] * state.ndim
    shape[qubit] = 2
    if letter == "Z":
        return state * np.array([1.0, -1.0]).reshape(shape)
    flipped = np.flip(state, qubit)
    return flipped if letter == "X" else flipped * np.array([-1j, 1j]).reshape(shape)


def frequencies(bits: Bits) -> list[Estimate]:
    """The frequency of each value of these columns, the first the highest bit, with the error of a binomial
    estimate."""
    shots, width = bits.shape
    index = bits.astype(np.int64) @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    found = np.bincount(index, minlength=1 << width) / shots
    errors = np.sqrt(np.maximum(found * (1 - found) / shots, 1 / shots**2))
    return [Estimate(float(p), float(e)) for p, e in zip(found, errors, strict=True)]
