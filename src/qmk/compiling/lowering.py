"""Graphs as circuits of the native core, for passes, and circuits as graphs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.base.errors import QmkError
from qmk.ir.lower import lower
from qmk.ir.native_circuit import GATES, circuit_of, program_of
from qmk.ir.program import Gate, Instruction, Program
from qmk.ir.raising import graph_of, with_meaning_of
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

if TYPE_CHECKING:
    from qmk_native import Circuit

_ECR = ("s", "sx", "cnot", "x")


class Lowered(NamedTuple):
    """``names``: events by their classical bits. ``profile``: arguments of the allocation that stands for all."""

    circuit: Circuit
    names: dict[int, str]
    profile: dict[str, Any]


def circuit_from(graph: Graph, name: str, *, whole: bool = False) -> Lowered:
    """A verified graph for pass ``name``. ``whole``: what no register shows is kept too. Raises UNSUPPORTED, naming the
    node, for what a pass on circuits would lose: fences, evolutions, channels, atoms, readings that err, and qubits of
    several profiles."""
    profile = _refuse(graph, name)
    program = lower(graph, GATES | {"gphase"}, whole=whole)
    names = {cbits[0]: event for event, cbits in program.events.items() if len(cbits) == 1}
    return Lowered(circuit_of(program), names, profile)


def graph_from(circuit: Circuit, graph: Graph, start: Lowered, *, ecr: bool = False) -> Graph:
    """The graph of a circuit that was made from ``graph``. ``ecr``: the four gates that a circuit writes an ECR gate as
    are one again."""
    program = program_of(circuit)
    if ecr:
        program = with_ecr(program)
    return with_meaning_of(graph, graph_of(program, start.names, start.profile))


def with_ecr(program: Program) -> Program:
    """``program`` with the four gates that a circuit writes an ECR gate as as one again."""
    made: list[Instruction] = []
    for item in program.instructions:
        made.append(item)
        last = made[-4:]
        gates = [gate for gate in last if isinstance(gate, Gate)]
        if tuple(gate.name for gate in gates) != _ECR:
            continue
        a, b = gates[2].qubits
        same = all(gate.cond == gates[0].cond for gate in gates)
        if same and [gate.qubits for gate in gates] == [(a,), (b,), (a, b), (a,)]:
            made[-4:] = [Gate("ecr", (a, b), (), gates[0].cond)]
    return Program(program.n_qubits, program.n_cbits, tuple(made), program.registers, program.events)


def _refuse(graph: Graph, name: str) -> dict[str, Any]:
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
