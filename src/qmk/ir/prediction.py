"""Predictions of the native core for a program, and the rule by which it runs a program without comparing other
engines.

Command line, runs in this process and the daemon's router all ask here, so that they take the same engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk_native import Circuit

MEMORY_BYTES = 1 << 46
"""The memory bound of predictions. The router decides what the machine has room for."""


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What the native core predicts for one of its methods, beyond what features can say: it has rewritten the program
    and looked. ``points``: shots and the seconds that they take, ascending."""

    points: tuple[tuple[int, float], ...]
    memory_bytes: float
    note: str = ""
    may_fail: bool = False
    upper_bound: bool = False
    """As in ``Cost``: the core has only counted"""
    ops: int = 0
    """Operations of the circuit."""
    cut: bool = False
    """Small parts will be left out, within the error that the caller allows."""

    def seconds(self, shots: int) -> float:
        """Predicted seconds, on the line through the two points nearest to ``shots``; beyond the ends, on the last
        line."""
        if len(self.points) == 1:
            return self.points[0][1]
        pairs = list(zip(self.points, self.points[1:], strict=False))
        low, high = next((pair for pair in pairs if shots <= pair[1][0]), pairs[-1])
        slope = (high[1] - low[1]) / (high[0] - low[0])
        return max(low[1] + slope * (shots - low[0]), 0.0)


POINTS = (1, 1000, 100_000)
"""Numbers of shots that the predicted seconds are given for."""

SHORT_S = 0.05
"""The core runs a program that it is predicted to run within so many seconds; no other engine is looked at."""

LOOK_S = 20e-6
LOOKS = 2
"""Seconds an operation that a graph for other engines takes, and how many times that a run may be predicted to take
that no look delays: another engine would have to be faster by half to make up for it."""

PLANNED_OPS = 4000
PLAN_OP_S = 2.5e-6
PLAN_SHARE = 0.1
"""A program that seems to take longer is planned, to see what it will really take: one of at most so many ops, or one
whose plan, at so many seconds an op, is at most this part of what it seems to take."""


def is_short(found: Prediction | None, shots: int, memory_bytes: int) -> bool:
    """Whether the core runs the program without a look at other engines."""
    if found is None or found.may_fail or found.upper_bound or found.memory_bytes > memory_bytes:
        return False
    return found.seconds(shots) <= max(SHORT_S, LOOKS * LOOK_S * found.ops)


def predictions(circuit: Circuit | None, method: str = "auto") -> dict[str, Prediction]:
    """Predictions for one method of the native engine; empty if it does not take the program."""
    if circuit is None:
        return {}
    try:
        return {method: _auto(circuit) if method == "auto" else _of_plan(circuit, method)}
    except (QmkError, MemoryError, ValueError):  # ValueError: no such method, or not for this program
        return {}


def _auto(circuit: Circuit) -> Prediction:
    """A prediction for the best method, from what can be computed at a small part of the run's cost."""
    import qmk_native

    found = qmk_native.predict(circuit, POINTS[1], POINTS, memory=MEMORY_BYTES, keep_cbits=True)
    seconds = found["seconds"][1]
    if seconds > SHORT_S and (len(circuit) <= PLANNED_OPS or len(circuit) * PLAN_OP_S <= seconds * PLAN_SHARE):
        return _of_plan(circuit, None)
    return Prediction(
        points=tuple(zip(POINTS, found["seconds"], strict=True)),
        memory_bytes=found["memory_bytes"],
        note=_note(found["method"], found),
        may_fail=found["may_fail"],
        upper_bound=found["upper_bound"],
        ops=len(circuit),
    )


def _of_plan(circuit: Circuit, method: str | None) -> Prediction:
    """A prediction for a method, or the best one, from its actual plan."""
    import qmk_native

    plan = qmk_native.Plan(circuit, POINTS[1], method, memory=MEMORY_BYTES, keep_cbits=True)
    best = plan.candidates[0]
    return Prediction(
        points=tuple((shots, plan.cost(shots)) for shots in POINTS),
        memory_bytes=best["memory_bytes"],
        note=_note(plan.method, best),
        may_fail=plan.may_fail,
        ops=len(circuit),
    )


def _note(method: str, found: dict[str, Any]) -> str:
    return f"{method}{', rewritten' if found['rewritten'] else ''}: {found['note']}"
