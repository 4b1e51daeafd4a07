"""Result types with shots: every qubit measured in the basis that the observables on it have in common."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from qmk.circuit.circuit import Circuit
from qmk.gateway.braket.observables import rotation, size_of
from qmk.gateway.braket.values import Results, each
from qmk.qvm.graph import Graph, Node


def rotate(graph: Graph, results: Results) -> Graph:
    """The graph with rotations in front of the measurements at its end. Raises ValueError for observables that cannot
    be measured together, as Braket's simulators do."""
    n = len(graph.vqs)
    bases = _bases(results, n)
    turns = [(targets, rotation(factor)) for targets, factor in bases.items()]
    steps = [step for targets, matrix in turns if matrix is not None for step in _steps(matrix, targets, graph.vqs)]
    if not steps:
        return graph
    nodes = list(graph.nodes)
    first = next(at for at, node in enumerate(nodes) if node.op == "core.mz")
    nodes[first:first] = steps
    named = tuple(msgspec.structs.replace(node, id=f"n{at}") for at, node in enumerate(nodes))
    return msgspec.structs.replace(graph, nodes=named)


def _bases(results: Results, n: int) -> dict[tuple[int, ...], Any]:
    """The factor that each group of qubits is measured in."""
    found: dict[tuple[int, ...], Any] = {}
    for result in results:
        for factors, targets in each(result, n) if "observable" in result else []:
            at = 0
            for factor in factors:
                own = tuple(targets[at : at + size_of(factor)])
                at += len(own)
                if factor != "i":
                    _require_fit(found, own, factor)
                    found[own] = factor
    return found


def _require_fit(found: dict[tuple[int, ...], Any], own: tuple[int, ...], factor: Any) -> None:
    for targets, other in found.items():
        if not set(targets) & set(own):
            continue
        if targets != own:
            raise ValueError("Qubit part of incompatible results targets")
        same = type(other) is type(factor)
        if not same or (other != factor if isinstance(factor, str) else not np.allclose(other, factor)):
            raise ValueError("Conflicting result types applied to a single qubit")


def _steps(matrix: Any, targets: tuple[int, ...], handles: tuple[str, ...]) -> list[Node]:
    """A unitary as nodes on these of the graph's qubits."""
    made = Circuit(len(targets)).unitary(matrix, *range(len(targets))).to_graph()
    names = dict(zip(made.vqs, (handles[target] for target in targets), strict=True))
    return [
        msgspec.structs.replace(node, vqs=tuple(names[vq] for vq in node.vqs))
        for node in made.nodes
        if node.op not in ("core.alloc", "core.free")
    ]
