"""A module of HUGR as its JSON says it: nodes with parents, edges between ports, and what runs first.

Ports of one node are numbered: first the values, then the function or constant that it takes. An edge without port
numbers only says which node comes first.
"""

from __future__ import annotations

import heapq
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.sdk.frontend import Refused

MAX_DEPTH = 128
"""Graphs within graphs."""

Port = tuple[int, int]


class Node(msgspec.Struct):
    """One node. Of its fields only those that its ``op`` has are set."""

    parent: int
    op: str
    name: str = ""
    extension: str = ""
    args: list[Any] = []
    types: list[Any] = []
    type_args: list[Any] = []
    v: Any = None
    tag: int = 0
    variants: list[Any] = []
    visibility: str = "Public"

    @property
    def label(self) -> str:
        """The op as messages name it."""
        if self.op == "Extension":
            return f"{self.extension}.{self.name}"[:80]
        return f"{self.op} '{self.name[:60]}'" if self.name else self.op


class _Module(msgspec.Struct):
    nodes: list[Node]
    edges: list[tuple[tuple[int, int | None], tuple[int, int | None]]]
    entrypoint: int | None = None


class _Package(msgspec.Struct):
    modules: list[_Module]


_DECODER = msgspec.json.Decoder(_Package)


class Tree:
    """``children`` of each node in order; ``inputs``: by node, where each of its ports comes from; ``flow``: by node,
    where control goes from each of its ports."""

    def __init__(self, module: _Module) -> None:
        self.nodes, self.entrypoint = module.nodes, module.entrypoint or 0
        count = len(self.nodes)
        if not 0 < count <= LIMITS.expansion_nodes:
            raise Refused("HUGR-07", f"the module has {count} nodes; there may be {LIMITS.expansion_nodes}")
        self.children: list[list[int]] = [[] for _ in range(count)]
        self.inputs: list[dict[int, Port]] = [{} for _ in range(count)]
        self.flow: list[dict[int, int]] = [{} for _ in range(count)]
        self.before: dict[int, list[tuple[int, int]]] = {}
        self._orders: dict[int, list[int]] = {}
        self.depth = self._depths()
        if not 0 <= self.entrypoint < count:
            raise Refused("HUGR-01", f"the entry point is node {self.entrypoint} of {count}")
        for (start, out), (end, into) in module.edges:
            self._edge(start, out, end, into)

    def _depths(self) -> list[int]:
        """How deep each node lies; a parent comes from the root."""
        depth = [-1] * len(self.nodes)
        depth[0] = 0
        for index, node in enumerate(self.nodes):
            if not 0 <= node.parent < len(self.nodes):
                raise Refused("HUGR-01", f"node {index} has the parent {node.parent}")
            if index:
                self.children[node.parent].append(index)
        waiting = [0]
        while waiting:
            here = waiting.pop()
            for child in self.children[here]:
                depth[child] = depth[here] + 1
                waiting.append(child)
        if -1 in depth or max(depth) > MAX_DEPTH:
            raise Refused("HUGR-01", "the parents of the nodes are not a tree that ends at node 0, or nest too deep")
        return depth

    def _edge(self, start: int, out: int | None, end: int, into: int | None) -> None:
        for index in (start, end):
            if not 0 <= index < len(self.nodes):
                raise Refused("HUGR-01", f"an edge names node {index} of {len(self.nodes)}")
        if self.nodes[start].op in ("DataflowBlock", "ExitBlock"):
            self.flow[start][out or 0] = end
            return
        if out is not None and into is not None:
            if into in self.inputs[end]:
                raise Refused("HUGR-01", f"input {into} of node {end} has two edges")
            self.inputs[end][into] = (start, out)
        if self.nodes[start].op in ("FuncDefn", "FuncDecl", "Const"):
            return  # they are there from the start; a function may call itself
        parent, inside = self.nodes[start].parent, end
        while self.depth[inside] > self.depth[start]:
            inside = self.nodes[inside].parent
        if self.nodes[inside].parent == parent and inside != start:
            self.before.setdefault(parent, []).append((start, inside))
        elif inside == start:
            raise Refused("HUGR-01", f"node {end} is inside node {start} and takes what it gives")

    def order(self, region: int) -> list[int]:
        """The children of a region so that each comes after what it takes; those that are free to move, as they stand.
        Raises Refused for a cycle."""
        found = self._orders.get(region)
        if found is None:
            found = self._orders[region] = self._sort(region)
        return found

    def _sort(self, region: int) -> list[int]:
        children = self.children[region]
        waits = dict.fromkeys(children, 0)
        after: dict[int, list[int]] = {}
        for first, second in self.before.get(region, ()):
            after.setdefault(first, []).append(second)
            waits[second] += 1
        ready = [index for index in children if not waits[index]]
        found: list[int] = []
        while ready:
            index = heapq.heappop(ready)
            found.append(index)
            for other in after.get(index, ()):
                waits[other] -= 1
                if not waits[other]:
                    heapq.heappush(ready, other)
        if len(found) < len(children):
            stuck = next(index for index in children if waits[index])
            raise Refused("HUGR-01", f"node {stuck} ({self.nodes[stuck].label}) takes what comes from itself")
        return found

    def source(self, index: int, ops: tuple[str, ...]) -> int:
        """The function or constant that a node takes. Raises Refused."""
        for start, _ in reversed(self.inputs[index].values()):
            if self.nodes[start].op in ops:
                return start
        raise Refused("HUGR-01", f"it takes no {ops[0]}")


def read_tree(data: bytes) -> Tree:
    """The module of a package in JSON. Raises Refused where it is none."""
    try:
        package = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("HUGR-01", f"not a package of HUGR in JSON: {error}"[:300]) from None
    if len(package.modules) != 1:
        raise Refused("HUGR-01", f"the package has {len(package.modules)} modules; there must be one")
    return Tree(package.modules[0])
