"""Writes a graph as blocks of Yao: one chain, a put or a control for each gate. Barriers and fences, which change no
result, are left out."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from qmk.base.errors import Finding, invalid_graph
from qmk.frontends.openqasm.unitary import ROOT_QUBITS
from qmk.frontends.yao_json.blocks import NAMES, Block
from qmk.frontends.yao_json.rules import YAO_RULES
from qmk.ir.names import TURNS, base_of
from qmk.qvm import powers
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node
from qmk.qvm.op import Matrix


class Unwritten(Exception):
    """Why a node has no form in Yao."""


def emit(graph: Graph) -> bytes:
    """Writes the graph. Raises INVALID_GRAPH with a finding YAO-09 for each node that has no form in Yao."""
    writer = _Writer(graph)
    found: list[Finding] = []
    for node in graph.nodes:
        try:
            writer.node(node)
        except Unwritten as why:
            found.append(Finding("YAO-09", f"{node.op}: {why}", YAO_RULES["YAO-09"].help, node=node.id))
    for event in writer.missing():
        text = f"the bit '{event}' of a register is not a single measurement, or is in two places"
        found.append(Finding("YAO-09", text, YAO_RULES["YAO-09"].help))
    if found:
        raise invalid_graph(found)
    rows = ",\n".join(f"  {json.dumps(block)}" for block in writer.blocks)
    head = {"format": "yao-json", "version": 1, "n": max(1, len(graph.vqs)), "registers": writer.registers}
    return f'{json.dumps(head)[:-1]}, "block": {{"block": "chain", "blocks": [\n{rows}\n]}}}}\n'.encode()


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.position = {handle: k for k, handle in enumerate(graph.vqs, start=1)}
        self.blocks: list[Block] = []
        self.used: set[str] = set()
        measured = [event for node in graph.nodes if node.op.startswith("core.m") for event in node.produces]
        if graph.outputs is None:
            rows = [("c", tuple(measured), True)] if measured else []
        else:
            rows = [(output.name, output.bits, output.descending) for output in graph.outputs]
        self.registers: list[Block] = []
        self.bit: dict[str, list[Any]] = {}
        places = [event for _, bits, _ in rows for event in bits if event is not None]
        self.not_single = {event for event, count in Counter(places).items() if count > 1} | {
            event for event in places if event not in measured
        }
        for number, (name, bits, descending) in enumerate(rows):
            name = name or f"r{number}"
            self.registers.append({"name": name, "size": len(bits), "descending": descending})
            for k, event in enumerate(reversed(bits) if descending else bits):
                if event is not None:
                    self.bit[event] = [name, k]

    def missing(self) -> list[str]:
        return sorted(self.not_single)

    def node(self, node: Node) -> None:
        op = OPS.get(node.op)
        if op is None:
            raise Unwritten("the op is not known")
        if node.guard is not None or node.inputs:
            raise Unwritten("what depends on a measurement")
        at = [self.position[handle] for handle in node.vqs]
        if node.op == "core.alloc":
            again = [self.position[handle] for handle in node.vqs if handle in self.used]
            self.used.update(node.vqs)
            if again:
                self.blocks.append({"block": "measure", "at": again, "reset": 0, "bits": [None] * len(again)})
        elif node.op == "core.reset":
            self.blocks.append({"block": "measure", "at": at, "reset": 0, "bits": [None]})
        elif node.op == "core.mz":
            self.blocks.append({"block": "measure", "at": at, "bits": [self.bit.get(node.produces[0])]})
        elif node.op in ("core.mx", "core.my"):
            turn = [_on(at, _gate("H"))] if node.op == "core.mx" else [_on(at, _gate("Sdag")), _on(at, _gate("H"))]
            back = [_on(at, _gate("H"))] if node.op == "core.mx" else [_on(at, _gate("H")), _on(at, _gate("S"))]
            self.blocks += [*turn, {"block": "measure", "at": at, "bits": [self.bit.get(node.produces[0])]}, *back]
        elif op.op_class == "unitary":
            self.blocks.append(_unitary(node, at))
        elif node.op not in ("core.free", "core.barrier", "core.fence"):
            raise Unwritten("no block of Yao")


def _unitary(node: Node, at: list[int]) -> Block:
    args: dict[str, Any] = node.args
    short = OPS[node.op].short
    if short == "gphase":
        return {"block": "put", "at": [1], "of": {"block": "phase", "angle": float(args["gamma"])}}
    if short == "paulirot":
        parts = [_on([k], _gate(letter)) for k, letter in enumerate(args["paulis"], start=1) if letter != "I"]
        of = parts[0]["of"] if len(at) == len(parts) == 1 else {"block": "kron", "blocks": parts}
        return _on(at, {"block": "rot", "angle": float(args["theta"]), "of": of})
    state, power = "", 1.0
    if short == "mod":
        short, power = args["gate"], float(args.get("power", 1.0))
        state = args.get("state") or "1" * int(args.get("controls", 0))
        args = args.get("params") or {}
    base, own = base_of(short)
    state += "1" * own
    controls, targets = at[: len(state)], at[len(state) :]
    inner = _plain(base, args, len(targets), power)
    if not state:
        return _on(at, inner)
    config = {"config": [int(bit) for bit in state]} if "0" in state else {}
    return {"block": "control", "controls": controls, **config, "at": targets, "of": inner}


def _plain(short: str, args: dict[str, Any], n: int, power: float = 1.0) -> Block:
    """A gate without controls; one that Yao has no name for, or a power, as its matrix."""
    declared = OPS[f"core.{short}"].matrix
    if declared is None or n > ROOT_QUBITS:
        raise Unwritten("no block of Yao, and no small matrix")
    if power != 1:
        return {"block": "matblock", "matrix": _lowest_first(powers.power(declared(args), power), n)}
    if short in NAMES:
        return _gate(NAMES[short])
    if short == "p":
        return {"block": "shift", "angle": float(args["lam"])}
    if f"core.{short}" in TURNS:
        axis, name = TURNS[f"core.{short}"]
        return {"block": "rot", "angle": float(args[name]), "of": _gate(axis)}
    return {"block": "matblock", "matrix": _lowest_first(declared(args), n)}


def _lowest_first(matrix: Matrix, n: int) -> list[list[list[float]]]:
    """A matrix whose first qubit is the highest bit as rows of numbers where it is the lowest."""
    order = [int(format(k, f"0{n}b")[::-1], 2) for k in range(1 << n)]
    return [[[matrix[j][k].real, matrix[j][k].imag] for k in order] for j in order]


def _gate(name: str) -> Block:
    return {"block": "gate", "gate": name}


def _on(at: list[int], of: Block) -> Block:
    return {"block": "put", "at": at, "of": of}
