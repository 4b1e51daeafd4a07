"""Expectation values that the native core has without a state vector: by Pauli propagation, which takes the observable
back through the program, and from a matrix product state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import qmk_native

from qmk.ir import chains
from qmk.ir.lazy import lazy
from qmk.ir.native_circuit import circuit_of
from qmk.ir.program import Program, Unsupported
from qmk.ir.propagation import estimate, plan_of, strings_of_z
from qmk.qvm.outputs import Estimate, Observable

MOST_GROUP = 16
"""Qubits whose joint probabilities are given: they are sums over all subsets."""


class StringObserver(ABC):
    """Sums of Pauli strings, and what follows from them."""

    method: str
    _n: int

    @abstractmethod
    def expectation(self, paulis: Sequence[str], /) -> list[float]: ...

    def probabilities(self, qubits: Sequence[int], /) -> list[float]:
        """Half the sum and difference of strings with and without Z, qubit by qubit."""
        if len(qubits) > MOST_GROUP:
            asked, most = f"joint probabilities of {len(qubits)} qubits", f"gives those of {MOST_GROUP}"
            raise Unsupported(f"{asked}; method {self.method} {most}")
        values = np.array(self.expectation(strings_of_z(tuple(qubits), self._n))).reshape((2,) * len(qubits))
        for axis in range(len(qubits)):
            without, on = np.take(values, 0, axis), np.take(values, 1, axis)
            values = np.stack([(without + on) / 2, (without - on) / 2], axis)
        return [float(p) for p in values.reshape(-1)]

    def state(self) -> np.ndarray[Any, np.dtype[np.complex128]]:
        raise Unsupported(f"method {self.method} gives no state vector")

    def amplitudes(self, bitstrings: Sequence[str], /) -> list[complex]:
        raise Unsupported(f"method {self.method} gives no amplitudes")


class PauliObserver(StringObserver):
    """Each string is taken back through the program by itself."""

    method = "pauli"

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


class ChainObserver(StringObserver):
    """All strings are of one matrix product state."""

    method = "mps"

    def __init__(self, program: Program) -> None:
        self._n = program.n_qubits
        self._circuit = circuit_of(program)

    @lazy
    def _state(self) -> qmk_native.MpsState:
        try:
            return chains.evolve(qmk_native.MpsPlan(self._circuit).reordered(1), self._n)
        except ValueError as refused:
            raise Unsupported(str(refused)) from refused

    def sum_of(self, observable: Observable, tolerance: float, /) -> Estimate:
        return chains.estimates(self._state, [observable], tolerance)[0]

    def expectation(self, paulis: Sequence[str], /) -> list[float]:
        return [found.value for found in chains.estimates(self._state, [((text, 1.0),) for text in paulis], 0.0)]
