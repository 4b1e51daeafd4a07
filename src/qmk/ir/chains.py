"""Expectation values from the native core's matrix product states, and what their errors are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qmk.ir.prediction import Prediction
from qmk.qvm.outputs import Estimate, Observable

if TYPE_CHECKING:
    import qmk_native

CHAIN = "mps.values"
"""The prediction for values, beside that of the shots of method "mps"."""

MOST_BYTES = 4 << 30
"""Bytes that the tensors of a state may take."""

TRIED_S, LONGEST_S = 0.02, 30.0
"""Predicted seconds of gates that a look may take, and of a run of which the look did not show whether it is small."""

MOST_BOND = 512

CUT = 1e-24
"""The largest weight that one gate may lose, far below what rounding changes in a state."""

EXACT = 1e-8
"""A value of a Pauli string counts as exact if what was cut off is proved to change it by no more than this."""


def state_bytes(n_qubits: int, bond: float = MOST_BOND) -> int:
    """Bytes of the tensors, and of the environments beside them, at most."""
    return int(min(96 * n_qubits * bond**2, MOST_BYTES))


def bond_of(n_qubits: int) -> int:
    """The largest bond for which there is room."""
    return max(2, min(MOST_BOND, math.isqrt(MOST_BYTES // (96 * max(n_qubits, 1)))))


def predict(circuit: qmk_native.Circuit) -> Prediction | None:
    """A prediction for the values of a circuit; None for one that is not of gates and final measurements. Bounds on
    bonds from the ranks of gates say it where they are low; else the state is tried for some milliseconds."""
    import qmk_native

    try:
        plan, n = qmk_native.MpsPlan(circuit).reordered(1), circuit.n_qubits
    except ValueError:
        return None
    bond, seconds = plan.bounds(1)
    sure = bond <= math.log2(bond_of(n)) and seconds <= LONGEST_S
    try:
        state = None if sure and seconds <= TRIED_S else evolve(plan, n, TRIED_S)
    except TimeoutError:
        state = None
    except MemoryError:
        return None
    if state is not None:
        bond, seconds, sure = math.log2(state.bond), min(seconds, TRIED_S), True
    return Prediction(
        points=((1, seconds if sure else LONGEST_S),),
        memory_bytes=state_bytes(n, 2.0 ** min(bond, math.log2(MOST_BOND))),
        note=f"a bond of {'' if state else 'at most '}2^{bond:.0f}",
        may_fail=not sure,
        upper_bound=not sure,
        ops=len(circuit),
    )


def evolve(plan: qmk_native.MpsPlan, n_qubits: int, seconds: float = math.inf) -> qmk_native.MpsState:
    """The final state, within its bounds. Raises MemoryError where its entanglement outgrows them, TimeoutError beyond
    the predicted ``seconds``."""
    return plan.evolve(bond_of(n_qubits), CUT, seconds)


def estimates(state: qmk_native.MpsState, rows: Sequence[Observable], tolerance: float) -> list[Estimate]:
    """The expectation values of sums of Pauli strings: exact where what was cut off does not count, else with a proved
    error of at most ``tolerance``. Raises MemoryError where the error is larger, ValueError for a string that does not
    fit."""
    strings = list(dict.fromkeys(text for row in rows for text, _ in row))
    values = dict(zip(strings, state.expectation(strings), strict=True))
    found: list[Estimate] = []
    for row in rows:
        value, size = sum(c * values[text] for text, c in row), sum(abs(c) for _, c in row)
        error = 0.0 if state.error <= EXACT else size * state.error
        if error > tolerance:
            raise MemoryError(f"what was cut off may change the value by {error:.2g}, at bonds of up to {state.bond}")
        found.append(Estimate(value, error, "bound" if error else ""))
    return found
