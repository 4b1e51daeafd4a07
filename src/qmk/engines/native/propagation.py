"""Expectation values by Pauli propagation, in the native core: the observable is taken back through the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmk.ir.program import Program, Unsupported
from qmk.ir.propagation import estimate, plan_of, strings_of_z
from qmk.qvm.outputs import Estimate, Observable

MOST_GROUP = 16
"""Qubits whose joint probabilities are given: they are sums over all subsets."""


class PauliObserver:
    """Sums of Pauli strings, each taken back through the program by itself."""

    def __init__(self, program: Program) -> None:
        self._n = program.n_qubits
        self._plan = plan_of(program)

    def sum_of(self, observable: Observable, tolerance: float, /) -> Estimate:
        try:
            return estimate(self._plan, observable, tolerance)[0]
        except ValueError as refused:
            raise Unsupported(str(refused)) from refused

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [self.sum_of(((text, 1.0),), 0.0).value for text in paulis]

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        """Half the sum and difference of strings with and without Z, qubit by qubit."""
        if len(qubits) > MOST_GROUP:
            raise Unsupported(f"joint probabilities of {len(qubits)} qubits; method pauli gives those of {MOST_GROUP}")
        values = np.array(self.expectation(strings_of_z(tuple(qubits), self._n))).reshape((2,) * len(qubits))
        for axis in range(len(qubits)):
            without, on = np.take(values, 0, axis), np.take(values, 1, axis)
            values = np.stack([(without + on) / 2, (without - on) / 2], axis)
        return [float(p) for p in values.reshape(-1)]

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        raise Unsupported("method pauli holds no state")

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        raise Unsupported("method pauli holds no amplitudes")
