"""Builds small graphs in few words, for kits and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from qmk.qvm.graph import Graph, Guard, Node, Output


def when(event: str, value: int = 1) -> Guard:
    """The guard that ``event`` has ``value``."""
    return Guard(event=event, value=value)


def all_of(*guards: Guard) -> Guard:
    return Guard(type="and", conditions=guards)


def any_of(*guards: Guard) -> Guard:
    return Guard(type="or", conditions=guards)


class Builder:
    """Appends nodes in program order; qubits are named q0, q1, ... and events as given, else e0, e1, ..."""

    def __init__(self, qubits: int = 0) -> None:
        self.nodes: list[Node] = []
        self.qubits: list[str] = []
        self.events: list[str] = []
        self.channels: list[str] = []
        if qubits:
            self.alloc(qubits)

    def alloc(self, count: int) -> list[str]:
        """Allocates qubits in |0>."""
        new = [f"q{len(self.qubits) + k}" for k in range(count)]
        self.qubits += new
        self.op("alloc", *new)
        return new

    def op(
        self,
        short: str,
        *qubits: str | int,
        produces: Sequence[str] = (),
        inputs: Sequence[str] = (),
        guard: Guard | None = None,
        family: str = "core",
        **args: Any,
    ) -> Builder:
        """Appends one node. A qubit is given by its name or its number; ``args`` are the op's arguments."""
        self.nodes.append(
            Node(
                id=f"n{len(self.nodes)}",
                op=f"{family}.{short}",
                args=args,
                vqs=tuple(f"q{q}" if isinstance(q, int) else q for q in qubits),
                inputs=tuple(inputs),
                produces=tuple(produces),
                guard=guard,
            )
        )
        return self

    def channel(self, a: str | int, b: str | int, name: str = "c", **args: Any) -> Builder:
        """Open channel ``name`` between two qubits; ``args`` are those of ``channel.open``."""
        if name not in self.channels:
            self.channels.append(name)
        return self._on_channel("open", name, args, (a, b))

    def use(self, semantic: str = "teleport", name: str = "c") -> Builder:
        return self._on_channel("use", name, {"semantic": semantic})

    def close(self, name: str = "c") -> Builder:
        return self._on_channel("close", name, {})

    def _on_channel(self, short: str, name: str, args: dict[str, Any], qubits: Sequence[str | int] = ()) -> Builder:
        self.op(short, *qubits, family="channel", **args)
        self.nodes[-1] = msgspec.structs.replace(self.nodes[-1], chs=(name,))
        return self

    def measure(self, *qubits: str | int, basis: str = "mz", event: str = "", guard: Guard | None = None) -> str:
        """Measures, and gives the name of the event. ``basis``: mz, mx, my, or mbell for one two-bit event."""
        name = event or f"e{len(self.events)}"
        self.events.append(name)
        self.op(basis, *qubits, produces=(name,), guard=guard)
        return name

    def measure_all(self) -> Builder:
        for qubit in self.qubits:
            self.measure(qubit)
        return self

    def graph(self, outputs: tuple[Output, ...] | None = None) -> Graph:
        return Graph(
            nodes=tuple(self.nodes),
            vqs=tuple(self.qubits),
            chs=tuple(self.channels),
            events=tuple(self.events),
            families=tuple(sorted({node.op.partition(".")[0] for node in self.nodes})),
            outputs=outputs,
        )
