"""The QVM verifier: a graph in, every finding out, in time linear in the graph.

    report = verify(graph, held_caps=frozenset({"CAP_ALLOC"}))
    if not report.ok:
        raise report.error()

Each rule is declared once, in the module of its group, with a stable id: QVM-S structure, QVM-L linearity,
QVM-E events, QVM-T types, QVM-C capabilities, QVM-F firewall, QVM-B bounds. ``RULES`` holds them all.
"""

from __future__ import annotations

from qmk.qvm.graph import Graph
from qmk.qvm.verify import bounds, capabilities, events, firewall, linearity, structure, types
from qmk.qvm.verify.rule import Report, Rule
from qmk.qvm.verify.state import State
from qmk.qvm.verify.walk import walk

__all__ = ["GROUPS", "RULES", "Report", "Rule", "verify"]

GROUPS: dict[str, tuple[Rule, ...]] = {
    "structure": structure.RULES,
    "linearity": linearity.RULES,
    "events": events.RULES,
    "types": types.RULES,
    "capabilities": capabilities.RULES,
    "firewall": firewall.RULES,
    "bounds": bounds.RULES,
}

RULES: dict[str, Rule] = {rule.id: rule for rules in GROUPS.values() for rule in rules}


def verify(graph: Graph, *, held_caps: frozenset[str] | None = None, strict: bool = False, tenant: str = "") -> Report:
    """Check ``graph`` against every rule.

    ``held_caps`` are the capabilities of the session that submits it, None meaning all of them; ``tenant`` owns the
    qubits whose ALLOC names no tenant. ``strict`` makes warnings errors, and refuses later use of a measured qubit.
    A graph over one of the size limits gets those findings only: nothing in it is looked at.
    """
    state = State(graph, held_caps, strict, tenant)
    if bounds.check_graph(state):
        structure.check_graph(state)
        walk(state)
        events.check_end(state)
        linearity.check_end(state)
        structure.check_end(state)
        capabilities.check_end(state)
    return state.report()
