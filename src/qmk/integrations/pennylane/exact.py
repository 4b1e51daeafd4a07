"""Measurement processes without shots.

Expectation values of sums of Paulis, their variances and probabilities are asked of QMK as such. All else is computed
from the state by PennyLane's own code, so that it is what default.qubit gives; with noise from the reduced density
matrix, which QMK gives as expectation values of all Pauli strings on those wires.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from qmk.adapters.pennylane.library import mp, qml
from qmk.adapters.pennylane.observables import Terms, terms_of
from qmk.circuit.circuit import Circuit
from qmk.integrations.states import exact_state
from qmk.integrations.target import Target
from qmk.qvm.matrices import pauli_string
from qmk.sdk.adapter import cannot

STATE_QUBITS = 20
"""Up to this many qubits probabilities and variances come from the state, as all of them do at once."""

MATRIX_WIRES = 5
"""Wires of a density matrix with noise: it takes 4^n expectation values."""

Numbers = dict[Any, int]


def has_noise(operators: Sequence[Any]) -> bool:
    return any(isinstance(op, (qml.operation.Channel, qml.ops.MidMeasure)) for op in operators)


class Exact:
    """Values of one tape. ``circuit`` has its operators, ``wires`` the labels of its qubits."""

    def __init__(self, target: Target, circuit: Circuit, wires: Sequence[Any], pure: bool) -> None:
        self._target, self._circuit, self._pure = target, circuit, pure
        self._wires = qml.wires.Wires(wires)
        self._number: Numbers = {label: k for k, label in enumerate(wires)}
        self._found: Any = None

    def measure(self, processes: Sequence[Any]) -> list[Any]:
        """The result of each measurement process."""
        rows: dict[int, list[Terms]] = {at: self._rows(process) for at, process in enumerate(processes)}
        rows = {at: found for at, found in rows.items() if found}
        flat = [terms for found in rows.values() for terms in found]
        values = iter(self.values(flat) if flat else [])
        out: list[Any] = []
        for at, process in enumerate(processes):
            if at not in rows:
                out.append(self._other(process))
            elif isinstance(process, mp.VarianceMP):
                square, mean = next(values), next(values)
                out.append(np.array(square - mean**2))
            else:
                out.append(np.array(next(values)))
        return out

    def values(self, rows: Sequence[Terms]) -> list[float]:
        """Expectation values of sums of Pauli strings."""
        (found,) = self._target.values(self._circuit, [list(row) for row in rows])
        return [each.value for each in found]

    def _rows(self, process: Any) -> list[Terms]:
        """What is asked of QMK for a process; nothing where its state or another call gives it."""
        observable = process.obs
        if observable is None or not isinstance(process, (mp.ExpectationMP, mp.VarianceMP)):
            return []
        if observable.pauli_rep is None and self._has_state:
            return []
        terms = terms_of(observable, self._number, len(self._wires))
        if isinstance(process, mp.ExpectationMP):
            return [terms]
        if self._has_state:
            return []
        sentence = observable.pauli_rep or qml.pauli.pauli_sentence(observable)
        square = qml.pauli.PauliSentence(sentence @ sentence)
        return [terms_of(square.operation(self._wires), self._number, len(self._wires)), terms]

    @property
    def _has_state(self) -> bool:
        return self._pure and len(self._wires) <= STATE_QUBITS

    def _state(self) -> Any:
        if self._found is None:
            engine: str = self._target.options.get("engine", "native")
            if self._target.is_remote or not engine.startswith("native"):
                self._found = self._target.state(self._circuit)
            else:
                self._found = exact_state(self._circuit)
        return self._found

    def _other(self, process: Any) -> Any:
        """A process that needs more than expectation values."""
        if isinstance(process, mp.ProbabilityMP) and process.obs is None and not self._has_state:
            qubits = [self._number[label] for label in process.wires or self._wires]
            return self._target.probabilities(self._circuit, qubits)
        if self._pure:
            mapped = process.map_wires(self._number)
            if not mapped.wires and mapped.obs is None and not isinstance(process, mp.StateMP):
                mapped._wires = qml.wires.Wires(range(len(self._wires)))
            return qml.devices.qubit.measure(mapped, self._state().reshape((2,) * len(self._wires)))
        if not isinstance(process, mp.StateMeasurement):
            fix = "measure expectation values, probabilities or a density matrix of few wires, or take shots"
            raise cannot("pennylane", "it has no exact value with noise", repr(process), fix)
        wires = process.wires or self._wires
        places = range(len(wires))
        mapped = process.map_wires(dict(zip(wires, places, strict=True)))
        return mapped.process_density_matrix(self._density_matrix(wires), qml.wires.Wires(places))

    def _density_matrix(self, wires: Any) -> Any:
        """The reduced density matrix of these wires: sum of <P> P / 2^n over their Pauli strings."""
        if len(wires) > MATRIX_WIRES:
            fix = f"measure it on at most {MATRIX_WIRES} wires, or take shots"
            raise cannot("pennylane", f"the density matrix of {len(wires)} wires with noise", "measurement", fix)
        size = len(self._wires)
        words = list(itertools.product("IXYZ", repeat=len(wires)))
        rows: list[Terms] = []
        for word in words:
            letters = ["I"] * size
            for label, letter in zip(wires, word, strict=True):
                letters[self._number[label]] = letter
            rows.append((("".join(letters), 1.0),))
        total: Any = np.zeros((1 << len(wires),) * 2, dtype=complex)
        for word, value in zip(words, self.values(rows), strict=True):
            total += value * np.array(pauli_string("".join(word)), dtype=complex)
        return total / (1 << len(wires))
