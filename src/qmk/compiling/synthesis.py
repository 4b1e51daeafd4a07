"""The native core's synthesis (``native/src/synth``) on ``Work``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.sdk.passes import Work

ROUNDS = (0, 1, 4, 4)
"""Rounds of merging by level; each goes forth and back."""


def synthesize(work: Work) -> Work:
    """The circuit in the gates of the goal, on the pairs of qubits that it has already."""
    return _synthesize(work)


def renumber(work: Work) -> Work:
    """As ``synthesize``, where two qubits may change places; before a placement as RZZ and U, in which the router sees
    what commutes. A circuit that measures nothing keeps its qubits."""
    import qmk_native

    measures = qmk_native.circuit_metrics(work.circuit)["measurements"] > 0
    return _synthesize(work, exchange=measures, interactions=work.goal.couplings is not None)


def _synthesize(work: Work, **options: bool) -> Work:
    import qmk_native

    goal = work.goal
    try:
        circuit, moved = qmk_native.synthesize(
            work.circuit,
            list(goal.gates),
            measured=goal.level > 0,
            rounds=ROUNDS[goal.level],
            one_way=list(goal.one_way),
            **options,
        )
    except ValueError as wrong:
        raise QmkError("INVALID_PARAMS", f"gates of '{goal.name}': {wrong}", field="gates") from wrong
    return msgspec.structs.replace(work, circuit=circuit, last=tuple(moved[at] for at in work.last))
