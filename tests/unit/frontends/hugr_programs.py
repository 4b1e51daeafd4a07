"""HUGRs as JSON, written node by node: for what no builder would make, and where the package ``hugr`` is not there."""

from __future__ import annotations

import json
from typing import Any

Q: dict[str, Any] = {"t": "Q"}
BIT: dict[str, Any] = {"t": "Sum", "s": "Unit", "size": 2}
Wire = tuple[int, int]


class Writer:
    """A module with one function, ``main``, whose graph is node 1."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = [{"parent": 0, "op": "Module"}]
        self.edges: list[Any] = []
        self.region(0, "FuncDefn", name="main", visibility="Public")

    def add(self, parent: int, op: str, *wires: Wire, **fields: Any) -> int:
        """A node that takes these wires; gives its number."""
        index = len(self.nodes)
        self.nodes.append({"parent": parent, "op": op, **fields})
        self.edges += [[list(wire), [index, port]] for port, wire in enumerate(wires)]
        return index

    def region(self, parent: int, op: str, *wires: Wire, types: list[Any] | None = None, **fields: Any) -> int:
        """A node with a graph inside, whose input and output are the next two nodes."""
        index = self.add(parent, op, *wires, **fields)
        self.add(index, "Input", types=types or [])
        self.add(index, "Output", types=[])
        return index

    def ext(self, parent: int, name: str, *wires: Wire, args: list[Any] | None = None) -> int:
        extension, _, short = name.rpartition(".")
        return self.add(parent, "Extension", *wires, extension=extension, name=short, args=args or [])

    def end(self, region: int, *wires: Wire) -> None:
        """What the graph of a node gives."""
        self.edges += [[list(wire), [region + 2, port]] for port, wire in enumerate(wires)]

    def order(self, first: int, second: int) -> None:
        self.edges.append([[first, None], [second, None]])

    def data(self, entry: int = 0) -> bytes:
        module = {"version": "live", "nodes": self.nodes, "edges": self.edges, "entrypoint": entry}
        return b"HUGRiHJv?@" + json.dumps({"modules": [module], "extensions": []}).encode()


def coin(w: Writer, parent: int = 1) -> tuple[Wire, Wire]:
    """A qubit that is measured with even odds: the qubit and the bit."""
    q = w.ext(parent, "tket.quantum.QAlloc")
    h = w.ext(parent, "tket.quantum.H", (q, 0))
    m = w.ext(parent, "tket.quantum.Measure", (h, 0))
    return (m, 0), (m, 1)
