"""What a compiled circuit takes, and which of two is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmk_native import Circuit

    from qmk.sdk.passes import Goal

DEPTH_WEIGHT = 0.1
"""What one layer of gates on two qubits counts, in such gates, where gates are the objective."""

ONE_QUBIT_ERROR, TWO_QUBIT_ERROR, READOUT_ERROR = 1e-4, 3e-3, 1e-2
"""Chances of an error of a gate or a reading, where the target does not say."""

LAYER_ERROR, T_ERROR = 1e-12, 1e-10
"""Chances of an error of a logical qubit in one layer, and of a T gate, where the target is Clifford and T gates."""

CERTAIN = 1 - 1e-12
"""A gate that always errs counts as this, so that chances multiply."""

Figures = Mapping[str, Any]

OBJECTIVES: dict[str, Callable[[Figures], tuple[float, ...]]] = {
    "gates": lambda it: (it["two_qubit_gates"] + DEPTH_WEIGHT * it["two_qubit_depth"], it["gates"]),
    "depth": lambda it: (it["two_qubit_depth"], it["two_qubit_gates"], it["depth"]),
    "qubits": lambda it: (it["qubits"], it["two_qubit_gates"]),
    "t-count": lambda it: (it["t_count"], it["rotations"], it["two_qubit_gates"]),
    "error": lambda it: (it["predicted_error"], it["two_qubit_gates"]),
}
"""What ``--optimize`` can be, each with figures of which less is better, the first counting first."""

LOGICAL: dict[str, Callable[[Figures], tuple[float, ...]]] = {
    **OBJECTIVES,
    "depth": lambda it: (it["t_depth"], it["t_count"], it["depth"]),
    "qubits": lambda it: (it["qubits"], it["t_count"], it["two_qubit_gates"]),
}
"""The same where T gates are what takes time."""


def figures(circuit: Circuit, goal: Goal) -> dict[str, Any]:
    """``qubits``, ``gates``, ``depth``, ``two_qubit_gates``, ``two_qubit_depth``, ``t_count``, ``t_depth``,
    ``rotations`` and ``predicted_error``: the chance that something errs in a shot, if errors are independent."""
    import qmk_native

    found = qmk_native.circuit_metrics(circuit)
    kept = {key: value for key, value in found.items() if key not in ("one_qubit_gates", "measurements")}
    if goal.logical:
        layers = found["qubits"] * found["depth"] * math.log1p(-LAYER_ERROR)
        return {**kept, "predicted_error": -math.expm1(layers + found["t_count"] * math.log1p(-T_ERROR))}
    good = found["one_qubit_gates"] * math.log1p(-ONE_QUBIT_ERROR)
    good += found["two_qubit_gates"] * math.log1p(-TWO_QUBIT_ERROR)
    good += found["measurements"] * math.log1p(-READOUT_ERROR)
    if goal.errors or goal.readout:
        good += _beyond(circuit, goal)
    return {**kept, "predicted_error": -math.expm1(good)}


def _beyond(circuit: Circuit, goal: Goal) -> float:
    """What the errors that the target states add to the logarithm of the chance that nothing errs."""
    import qmk_native

    pairs = {(min(a, b), max(a, b)): error for a, b, error in goal.errors}
    measure = next(at for at, kind in enumerate(qmk_native.KINDS) if kind[0] == "measure")
    more = 0.0
    for kind, qubits, *_ in circuit.rows()[0]:
        if len(qubits) == 2 and (error := pairs.get((min(qubits), max(qubits)))) is not None:
            more += math.log1p(-min(error, CERTAIN)) - math.log1p(-TWO_QUBIT_ERROR)
        elif kind == measure and goal.readout and qubits[0] < len(goal.readout):
            more += math.log1p(-min(goal.readout[qubits[0]], CERTAIN)) - math.log1p(-READOUT_ERROR)
    return more


def better(made: Figures, than: Figures, goal: Goal) -> bool:
    """Whether ``made`` is better than ``than``."""
    key = (LOGICAL if goal.logical else OBJECTIVES)[goal.objective]
    return key(made) < key(than)
