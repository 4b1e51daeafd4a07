"""Expectation values from the native core at once, where one of its ways takes less than a look at other engines: its
dense simulator, Pauli propagation, or a matrix product state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmk.base.errors import QmkError
from qmk.ir.propagation import estimate
from qmk.qvm import outputs as asked
from qmk.qvm.outputs import Estimate, Observable, Values
from qmk.request.options import RunOptions

if TYPE_CHECKING:
    import qmk_native

    from qmk.qvm.graph import Graph
    from qmk.worker.parts import Parts

NARROW = 12
"""Up to this many qubits the whole state is computed, even if part of it would do."""

DENSE_FIRST_S = 1e-3
DENSE_S = 0.5
"""Of more qubits the whole state is computed at once if the core predicts the first of these for it; up to the second,
if Pauli propagation gives nothing. An engine that is loaded and reads a graph takes longer."""

CHAIN_FROM_S = 1e-2
CHAIN_SHARE = 0.1
CHAIN_S = 0.1
"""Where the whole state takes longer than the first of these, or there is no room for it, a matrix product state is
tried for a share of that time, and for so many predicted seconds at most: whether it is small shows on the way."""

WIDE = 40
"""Of more qubits no state vector exists, so that an error that is allowed is made use of without a look at engines."""

EXACT_STRINGS = 100_000
AT_ONCE_STRINGS = 1_000_000
"""Pauli strings that are made for one observable with nothing left out, and for all of them with the operations of the
program that are looked at, before the router is asked: a few hundredths of a second."""


@dataclass(frozen=True)
class Expectation:
    """An expectation value; ``float`` gives it as a number. ``error`` is 0 where ``exact``; ``error_kind`` says what it
    is: "standard error" of shots, or where an approximation was allowed a "bound" (the value is not farther off) or an
    "estimate" (from how the value still moved)."""

    value: float
    error: float = 0.0
    exact: bool = True
    engine: str = ""
    error_kind: str = ""

    @classmethod
    def of(cls, found: Estimate, values: Values) -> Expectation:
        """One of the values that an engine gave."""
        exact = values.exact or not (values.shots or found.error)
        kind = found.kind or ("" if exact else "standard error")
        return cls(found.value, found.error, exact, values.engine, kind)

    def __float__(self) -> float:
        return self.value


def is_plain(options: RunOptions) -> bool:
    """Whether values may be computed in the native core with no look at any other engine."""
    return options.engine is None and options.shots is None and options.is_ideal and not options.strict


def circuit_of(graph: Graph) -> qmk_native.Circuit | None:
    """The native core's circuit of a graph whose text it did not read; None where it cannot express it."""
    from qmk.worker.native import circuit_of_graph

    try:
        circuit = circuit_of_graph(graph)[0]
    except (QmkError, MemoryError):
        return None
    return circuit if circuit.n_qubits == asked.n_qubits(graph) else None


def _propagate(circuit: qmk_native.Circuit, rows: Sequence[Observable], tolerance: float) -> list[Expectation] | None:
    """Values by Pauli propagation, where that takes some milliseconds. Small strings are left out where the caller
    allows an error and the program is too wide for any state."""
    import qmk_native

    plan, left = qmk_native.PauliPlan(circuit), AT_ONCE_STRINGS
    values = Values(exact=False, engine="native:pauli")
    out: list[Expectation] = []
    try:
        for row in rows:
            if left <= 0:
                return None
            allowed = tolerance if circuit.n_qubits > WIDE else 0.0
            found, strings = estimate(plan, row, allowed, work=left if allowed else min(left, EXACT_STRINGS))
            left -= strings + len(circuit)
            out.append(Expectation.of(found, values))
    except (MemoryError, ValueError):
        return None
    return out


def values_at_once(
    circuit: qmk_native.Circuit, rows: Sequence[Observable], tolerance: float
) -> list[Expectation] | None:
    """Values from the dense simulator, by propagation or from a matrix product state, whichever is there first; None
    where none is soon."""
    import qmk_native

    from qmk.worker.parts import look_at

    plan, seconds = look_at(circuit), math.inf
    if plan is not None:
        seconds = plan.seconds
    elif circuit.n_qubits <= WIDE:
        try:
            plan = qmk_native.DensePlan(circuit, "f64")
            seconds = plan.cost(1)
        except MemoryError:
            plan = None
    if plan is not None and (circuit.n_qubits <= NARROW or seconds <= DENSE_FIRST_S):
        return _in_core(plan, rows)
    found = _propagate(circuit, rows, tolerance)
    if found is None and seconds > CHAIN_FROM_S:
        found = _by_chain(circuit, rows, tolerance, min(CHAIN_S, CHAIN_SHARE * seconds))
    return _in_core(plan, rows) if found is None and plan is not None and seconds <= DENSE_S else found


def _by_chain(
    circuit: qmk_native.Circuit, rows: Sequence[Observable], tolerance: float, seconds: float
) -> list[Expectation] | None:
    """Values from a matrix product state; None if it is not small, or the circuit does not end in a single state."""
    import qmk_native

    from qmk.ir import chains

    try:
        plan = qmk_native.MpsPlan(circuit).reordered(1)
        found = chains.estimates(chains.evolve(plan, circuit.n_qubits, seconds), rows, tolerance)
    except (MemoryError, TimeoutError, ValueError):
        return None
    values = Values(exact=False, engine="native:mps")
    return [Expectation.of(each, values) for each in found]


def _in_core(plan: qmk_native.DensePlan | Parts, rows: Sequence[Observable]) -> list[Expectation] | None:
    """Values from the dense simulator; None if the circuit does not end in a single state."""
    strings = list(dict.fromkeys(text for row in rows for text, _ in row))
    try:
        values = dict(zip(strings, plan.expectation(strings), strict=True))
    except (MemoryError, ValueError):
        return None
    return [Expectation(sum(c * values[text] for text, c in row), engine="native:dense64") for row in rows]
