"""What a reader asks of Cirq's objects: their size, phases, the terms of their controls, matrices."""

from __future__ import annotations

# Cirq has types in part, sympy none.
# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
from collections.abc import Iterable
from typing import Any

import cirq
import numpy as np
import sympy

from qmk.adapters.cirq.parameters import angle
from qmk.ir.parameters import Angle
from qmk.sdk.adapter import cannot


def count_moments(circuit: cirq.AbstractCircuit, known: dict[int, int]) -> int:
    """The moments of a circuit with all its repetitions. ``known``: those of circuits that were counted, by id."""
    if id(circuit) not in known:
        total = len(circuit.moments)
        for operation in circuit.all_operations():
            inner: Any = operation.untagged
            if isinstance(inner, cirq.CircuitOperation) and isinstance(inner.repetitions, (int, np.integer)):
                total += abs(int(inner.repetitions)) * count_moments(inner.circuit, known)
        known[id(circuit)] = total
    return known[id(circuit)]


def in_order(controls: Iterable[cirq.Condition]) -> list[cirq.Condition]:
    """Conditions in an order that does not change from run to run."""
    return sorted(controls, key=str)


def global_phase(gate: Any) -> Angle | None:
    """The angle of a gate that is a global phase; None for every other."""
    gate = gate if isinstance(gate, cirq.Gate) else gate.gate
    if not isinstance(gate, cirq.GlobalPhaseGate):
        return None
    coefficient: Any = gate.coefficient
    if not isinstance(coefficient, sympy.Basic):
        return float(np.angle(complex(coefficient)))
    if not isinstance(coefficient, sympy.exp):
        fix = "write it as sympy.exp(sympy.I * angle)"
        raise cannot("cirq", f"the coefficient '{coefficient}'", "a global phase", fix)
    return angle(sympy.expand(-sympy.I * coefficient.args[0]))


def control_terms(values: Any, controls: tuple[int, ...]) -> list[tuple[tuple[int, ...], str]]:
    """The controls and what they must hold, for each of several exclusive terms. A control that may hold either value
    is none."""
    if isinstance(values, cirq.ProductOfSums):
        used = [(number, int(each[0])) for number, each in zip(controls, values, strict=True) if len(set(each)) == 1]
        return [(tuple(number for number, _ in used), "".join(str(value) for _, value in used))]
    return [(controls, "".join(map(str, map(int, product)))) for product in values.expand()]


def matrix_rows(matrix: Any) -> tuple[tuple[complex, ...], ...]:
    """An array as rows of Python's numbers."""
    return tuple(tuple(complex(x) for x in row) for row in matrix)
