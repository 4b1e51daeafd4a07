"""Target ``clifford+t``: a circuit in Clifford and T gates, of which the form that the objective likes best is kept
(``native/src/clifford_t``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from qmk.base.errors import QmkError
from qmk.compiling.score import better, figures
from qmk.sdk.passes import Goal, Work

if TYPE_CHECKING:
    from qmk_native import Circuit

NAME = "clifford+t"

GATES = ("h", "s", "sdg", "x", "y", "z", "t", "tdg", "cx", "cz", "swap")

MOST_QUBITS = 1 << 20
"""Where the target's name does not say how many there are."""

EPSILON = 1e-10
"""Operator norm of the error of the whole program, where none is asked for and its rotations are few enough."""

LEAST = 3e-12
"""Of the error, for each angle of the program: a controlled rotation is up to three rotations, each synthesized to
1e-12 or worse."""


def is_logical(target: object) -> bool:
    """Whether a target is ``clifford+t`` or ``clifford+t:N``."""
    return isinstance(target, str) and target.partition(":")[0] == NAME


def logical_goal(target: str) -> Goal:
    """The goal of ``clifford+t``, any number of qubits, or ``clifford+t:N``, at most N with those that are added.
    Raises INVALID_PARAMS for another N."""
    _, colon, size = target.partition(":")
    if colon and not (size.isascii() and size.isdigit() and 1 <= int(size[:9]) <= MOST_QUBITS and len(size) < 9):
        text = f"target '{target:.60}': give a number of qubits from 1 to {MOST_QUBITS}, such as {NAME}:50"
        raise QmkError("INVALID_PARAMS", text, field="target")
    return Goal(target, GATES, int(size) if colon else MOST_QUBITS, logical=True)


def clifford_t(circuit: Circuit, epsilon: float | None = None, **options: Any) -> tuple[Circuit, dict[str, Any]]:
    """``qmk_native.clifford_t``, which see for ``options``. ``epsilon``: None for as little as is possible, but at
    least 1e-10. Raises INVALID_PARAMS for one that is too small for the rotations of the circuit."""
    import qmk_native

    wanted = max(EPSILON, LEAST * len(circuit.params)) if epsilon is None else epsilon
    try:
        return qmk_native.clifford_t(circuit, epsilon=wanted, **options)
    except ValueError as wrong:
        raise QmkError("INVALID_PARAMS", f"synthesis_error: {wrong}", field="synthesis_error") from wrong


def to_clifford_t(work: Work) -> Work:
    """The circuit in Clifford and T gates: without ancillae, and with them where the goal allows and has room for them.
    A circuit that measures nothing keeps its unitary, from any state to any state."""
    import qmk_native

    goal = work.goal
    keep = qmk_native.circuit_metrics(work.circuit)["measurements"] == 0
    allowed = goal.ancillae and goal.level > 0 and goal.objective != "qubits"
    best: Work | None = None
    for ancillae in (False, True) if allowed else (False,):
        made, report = clifford_t(
            work.circuit,
            goal.synthesis_error,
            keep_unitary=keep,
            ancillae=ancillae,
            effort=max(goal.level, 1),
            by_depth=goal.objective == "depth",
        )
        if made.n_qubits > goal.sites:
            continue
        found = msgspec.structs.replace(work, circuit=made, notes={**work.notes, "clifford-t": report})
        if best is None or better(figures(made, goal), figures(best.circuit, goal), goal):
            best = found
    return best or work
