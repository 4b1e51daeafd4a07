"""The rewrites of the native core, one by one or together, as passes.

They are those that the router takes by itself before it runs a program (``native/src/rewrite``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.ir.lower import lower
from qmk.ir.native_circuit import GATES, circuit_of, program_of
from qmk.ir.raising import graph_of, with_meaning_of
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.sdk.passes import Pass, Rewritten

if TYPE_CHECKING:
    import qmk_native

REWRITES = ("constants", "peephole", "relabel", "dead", "schedule", "hoist", "reuse")
"""Of the native core; each can be switched off."""


def native_pass(name: str, doc: str, rewrites: tuple[str, ...] = REWRITES, *, narrow: bool = False) -> Pass:
    """These rewrites of the native core as a pass. ``narrow``: the least width is wanted, not the least predicted
    time."""

    options = {rewrite: rewrite in rewrites for rewrite in REWRITES}

    def rewrite(circuit: qmk_native.Circuit) -> tuple[qmk_native.Circuit, dict[str, Any]]:
        import qmk_native

        return qmk_native.rewrite(circuit, narrow=narrow, explain=True, **options)

    return circuit_pass(name, doc, rewrite)


def circuit_pass(
    name: str, doc: str, rewrite: Callable[[qmk_native.Circuit], tuple[qmk_native.Circuit, dict[str, Any]]]
) -> Pass:
    """A pass that is a function of the native core: a circuit to one with the same registers, and a report."""

    def run(graph: Graph) -> Rewritten:
        profiles = _refuse(graph, name)
        program = lower(graph, GATES | {"gphase"})
        names = {cbits[0]: event for event, cbits in program.events.items() if len(cbits) == 1}
        circuit, report = rewrite(circuit_of(program))
        made = graph_of(program_of(circuit), names, profiles)
        timeless = {key: value for key, value in report.items() if not key.startswith("seconds")}
        return Rewritten(with_meaning_of(graph, made), timeless)

    return Pass(name, doc, run)


def _refuse(graph: Graph, name: str) -> dict[str, Any]:
    """Arguments of the allocation that stands for all of them. Raises for what a rewrite would lose."""
    found: list[dict[str, Any]] = []
    for node in graph.nodes:
        kind = OPS[node.op].op_class
        if kind == "fence":
            raise _refusal(node, name, "its fence would be lost; run the pass on the parts between the fences")
        if kind == "evolution":
            raise _refusal(node, name, "it rewrites gates, and an evolution is none")
        if kind == "channel" or node.op == "core.teleport_cnot":
            raise _refusal(node, name, "it uses Bell pairs that are accounted for")
        if OPS[node.op].family == "atoms" or (kind == "noise" and node.vqs and OPS[node.op].channel is None):
            raise _refusal(node, name, "it knows no atoms that may be lost")
        if node.op == "noise.readout":
            raise _refusal(node, name, "a reading that errs would lose what it is a reading of")
        if node.op == "core.alloc":
            args = {key: value for key, value in node.args.items() if key != "n"}
            if args not in found:
                found.append(args)
            if len(found) > 1:
                raise _refusal(node, name, "qubits of several profiles or owners would change places")
    return found[0] if found else {}


def _refusal(node: Node, name: str, why: str) -> QmkError:
    return QmkError("UNSUPPORTED", f"node '{node.id}' ({node.op}): pass '{name}' does not take it: {why}", node=node.id)
