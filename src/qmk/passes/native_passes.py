"""The rewrites of the native core, one by one or together, as passes.

They are those that the router takes by itself before it runs a program (``native/src/rewrite``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.compiling.lowering import circuit_from, graph_from
from qmk.qvm.graph import Graph
from qmk.sdk.passes import Goal, Pass, Rewritten, Step, Work

if TYPE_CHECKING:
    from qmk_native import Circuit

REWRITES = ("constants", "peephole", "relabel", "dead", "schedule", "hoist", "reuse")
"""Of the native core; each can be switched off."""


def native_pass(
    name: str, doc: str, rewrites: tuple[str, ...] = REWRITES, *, narrow: bool = False, step: Step | None = None
) -> Pass:
    """These rewrites of the native core as a pass. ``narrow``: the least width is wanted, not the least predicted
    time."""
    return circuit_pass(name, doc, lambda circuit: rewritten(circuit, rewrites, narrow), step)


def circuit_pass(
    name: str, doc: str, rewrite: Callable[[Circuit], tuple[Circuit, dict[str, Any]]], step: Step | None = None
) -> Pass:
    """A pass that is a function of the native core: a circuit to one with the same registers, and a report."""

    def run(graph: Graph) -> Rewritten:
        start = circuit_from(graph, name)
        circuit, report = rewrite(start.circuit)
        timeless = {key: value for key, value in report.items() if not key.startswith("seconds")}
        return Rewritten(graph_from(circuit, graph, start), timeless)

    return Pass(name, doc, run, step)


def all_coupled(sites: int) -> Goal:
    """The goal that a step has where it is used as a pass by itself."""
    return Goal("all", ("u", "cz"), sites)


def step_pass(
    name: str,
    doc: str,
    step: Step,
    report: Callable[[Work], dict[str, Any]],
    goal: Callable[[int], Goal] = all_coupled,
) -> Pass:
    """A step of the compiler, used by itself too: for ``goal`` of as many sites as the program has qubits."""

    def run(graph: Graph) -> Rewritten:
        start = circuit_from(graph, name)
        n = start.circuit.n_qubits
        work = Work(start.circuit, goal(n), tuple(range(n)))
        made = step.run(work) or work
        return Rewritten(graph_from(made.circuit, graph, start), report(made))

    return Pass(name, doc, run, step)


def rewritten(circuit: Circuit, rewrites: tuple[str, ...], narrow: bool) -> tuple[Circuit, dict[str, Any]]:
    """A circuit after these rewrites, and what they did."""
    import qmk_native

    options = {rewrite: rewrite in rewrites for rewrite in REWRITES}
    return qmk_native.rewrite(circuit, narrow=narrow, explain=True, **options)
