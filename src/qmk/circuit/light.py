"""Makes ``qmk.Program`` of a graph of light whose arguments may hold open parameters."""

from __future__ import annotations

from qmk.circuit.declared import all_ops
from qmk.circuit.operands import Bit
from qmk.circuit.program import Program
from qmk.qvm.graph import Graph


def program_of(graph: Graph) -> Program:
    """The program of a graph with modes of light only: the registers keep their names and their order."""
    made = Program()
    modes = made.add_modes(len(graph.vqs), "q") if graph.vqs else ()
    place = dict(zip(graph.vqs, modes, strict=True))
    bits: dict[str, Bit] = {}
    for output in reversed(graph.outputs or ()):
        events = [name for name in output.bits if name is not None]
        bits |= zip(reversed(events), made.add_bits(len(events), f"n_{output.name}"), strict=True)
    for node in graph.nodes:
        if node.op in ("core.alloc", "core.free"):
            continue
        written = {"bits": [bits[event] for event in node.produces]} if node.produces else {}
        first = [node.args[name] for name in all_ops()[node.op].before]
        named = {name: value for name, value in node.args.items() if name not in all_ops()[node.op].before}
        made.apply(node.op, *first, *(place[handle] for handle in node.vqs), **written, **named)
    made._shots = graph.shots  # pyright: ignore[reportPrivateUsage]
    return made
