"""Qubits on sites: the native core's router, whose candidates are compared after synthesis."""

from __future__ import annotations

import msgspec

from qmk.base.errors import QmkError
from qmk.compiling.score import DEPTH_WEIGHT, better, figures
from qmk.compiling.synthesis import synthesize
from qmk.sdk.passes import Work

TRIALS, KEPT = (1, 8, 120, 360), (1, 1, 4, 8)
"""By level: layouts that are routed, and candidates that are synthesised to find the best."""


def place(work: Work) -> Work:
    """The circuit on the goal's sites, two-qubit gates and exchanges on coupled pairs only. Raises INVALID_PARAMS where
    it does not fit."""
    import qmk_native

    goal = work.goal
    if goal.couplings is None:
        return work
    try:
        found = qmk_native.place(
            work.circuit,
            goal.sites,
            list(goal.couplings),
            seed=goal.seed,
            trials=TRIALS[goal.level],
            keep=KEPT[goal.level],
            sites=None if goal.usable is None else list(goal.usable),
            errors=list(goal.errors),
            readout=list(goal.readout),
            depth_weight=DEPTH_WEIGHT,
        )
    except ValueError as wrong:
        raise QmkError("INVALID_PARAMS", f"target '{goal.name}': {wrong}", field="target") from wrong
    candidates = [
        msgspec.structs.replace(work, circuit=circuit, last=tuple(last[at] for at in work.last))
        for circuit, _, last, _ in found
    ]
    if len(candidates) == 1:
        return candidates[0]
    rated = [(figures(synthesize(one).circuit, goal), one) for one in candidates]
    best = rated[0]
    for other in rated[1:]:
        if better(other[0], best[0], goal):
            best = other
    return best[1]
