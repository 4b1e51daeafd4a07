"""Compiling a circuit: the passes in order, then those of others that stand for all of them, and the best is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.compiling.order import Chosen, facts_wanted, order, steps
from qmk.compiling.score import OBJECTIVES, better, figures
from qmk.sdk import discovery
from qmk.sdk.passes import Goal, Work

if TYPE_CHECKING:
    from qmk_native import Circuit

LEVELS = (0, 1, 2, 3)

OPTIONAL = ("numbering", "spread")
"""Passes without each of which a plan is tried, too: they keep others from merging now and then."""

WRITER = "synthesis"
"""The pass that writes the gates of the target."""


class Made(NamedTuple):
    """``report``: ``before`` and ``after`` (``score.figures``), ``passes`` (name, seconds, figures after it, whether
    what came of it was kept), ``seconds``, all of CPU time, ``last``, where each qubit is at the end, and ``notes`` of
    passes."""

    work: Work
    report: dict[str, Any]


def compile_circuit(circuit: Circuit, goal: Goal) -> Made:
    """``circuit`` for ``goal``. Raises INVALID_PARAMS for an objective or level that there is not and for a target with
    too few qubits, UNSUPPORTED where no pass serves the goal."""
    _check(circuit, goal)
    started = time.process_time()
    chosen = steps(discovery.passes(), goal)
    if goal.objective == "t-count" and not goal.logical and not any("t-count" in step.objectives for _, step in chosen):
        raise QmkError("UNSUPPORTED", "no installed pass reduces the number of T gates here", field="optimize")
    start = Work(circuit, goal, tuple(range(circuit.n_qubits)))
    done = [made for plan in _plans(chosen, goal) if (made := _run(plan, start)) is not None]
    best = done[0]
    for made in done[1:]:
        if better(made.figures, best.figures, goal):
            best = made
    rows = [{**row, "kept": made is best} for made in done for row in made.rows]
    report = {
        "target": goal.name,
        "gates": list(goal.gates),
        "level": goal.level,
        "optimize": goal.objective,
        "before": figures(circuit, goal),
        "after": best.figures,
        "passes": rows,
        "seconds": time.process_time() - started,
        "last": list(best.work.last),
        "notes": dict(best.work.notes),
    }
    return Made(best.work, report)


class _Done(NamedTuple):
    work: Work
    figures: dict[str, Any]
    rows: list[dict[str, Any]]


def _check(circuit: Circuit, goal: Goal) -> None:
    if goal.objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise QmkError("INVALID_PARAMS", f"nothing is optimised for '{goal.objective:.40}'; take one of {known}")
    if goal.level not in LEVELS:
        raise QmkError("INVALID_PARAMS", f"level is 0, 1, 2 or 3, not {goal.level}", field="level")
    if circuit.n_qubits > goal.sites:
        text = f"the program has {circuit.n_qubits} qubits and target '{goal.name}' has {goal.sites}"
        raise QmkError("INVALID_PARAMS", text, field="target")


def _plans(chosen: list[Chosen], goal: Goal) -> Iterator[list[Chosen]]:
    """The order of all passes; from level 2 also without each of ``OPTIONAL``; and then each pass of others that does
    everything by itself, with the target's gates after it."""
    plan = order(chosen, goal)
    yield plan
    if goal.logical:
        return
    for left_out in OPTIONAL if goal.level >= 2 else ():
        if left_out in (name for name, _ in plan):
            yield [pick for pick in plan if pick[0] != left_out]
    after = [pick for pick in chosen if pick[0] == WRITER]
    for pick in chosen:
        ensured = pick[1].ensures.union(*(step.ensures for _, step in after))
        if pick[1].whole and facts_wanted(goal) <= ensured:
            yield [pick, *after]


def _run(plan: list[Chosen], start: Work) -> _Done | None:
    """None where a pass does not take the circuit."""
    work, rows = start, list[dict[str, Any]]()
    found = figures(start.circuit, start.goal)
    for name, step in plan:
        began = time.process_time()
        made = step.run(work)
        if made is None:
            return None
        work, found = made, figures(made.circuit, start.goal)
        counts = {key: found[key] for key in ("two_qubit_gates", "two_qubit_depth", "t_count")}
        rows.append({"name": name, "seconds": time.process_time() - began, **counts})
    return _Done(work, found, rows)
