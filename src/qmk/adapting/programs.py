"""Programs of scenarios: random Clifford+T layers and then their inverse, so that every outcome is known to be 0."""

from __future__ import annotations

import random
from typing import Annotated

import msgspec

from qmk.base.seeds import substream
from qmk.qvm.graph import Graph, Node

INVERSE = {"core.h": "core.h", "core.s": "core.sdg", "core.t": "core.tdg", "core.cnot": "core.cnot"}


class Mirror(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``layers`` there and as many back, with a fence between two. A layer has an H on every qubit, ``t_gates`` T gates
    and a CNOT on every pair of a random matching, or with ``star`` from one random qubit onto every other."""

    qubits: Annotated[int, msgspec.Meta(ge=1, le=64)]
    layers: Annotated[int, msgspec.Meta(ge=1, le=200)]
    t_gates: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    star: bool = False

    def graph(self, seed: int) -> Graph:
        """The same for the same seed."""
        dice = random.Random(substream(seed, "mirror"))
        names = tuple(f"q{at}" for at in range(self.qubits))
        there = [self._layer(names, dice) for _ in range(self.layers)]
        back = [[(INVERSE[op], qubits) for op, qubits in reversed(layer)] for layer in reversed(there)]
        nodes = [Node("new", "core.alloc", {}, names, caps=("CAP_ALLOC",))]
        for number, layer in enumerate([*there, *back]):
            nodes += [Node("", op, {}, qubits) for op, qubits in layer]
            if number < 2 * self.layers - 1:
                nodes.append(Node("", "core.fence"))
        events = tuple(f"m{at}" for at in range(self.qubits))
        nodes += [
            Node("", "core.mz", {}, (name,), produces=(event,)) for name, event in zip(names, events, strict=True)
        ]
        named = tuple(msgspec.structs.replace(node, id=node.id or f"n{at}") for at, node in enumerate(nodes))
        return Graph(nodes=named, vqs=names, events=events, caps=("CAP_ALLOC",))

    def _layer(self, names: tuple[str, ...], dice: random.Random) -> list[tuple[str, tuple[str, ...]]]:
        made: list[tuple[str, tuple[str, ...]]] = [("core.h", (name,)) for name in names]
        made += [("core.t", (name,)) for name in dice.choices(names, k=self.t_gates)]
        order = list(names)
        dice.shuffle(order)
        pairs = [(order[0], other) for other in order[1:]] if self.star else zip(order[::2], order[1::2], strict=False)
        return made + [("core.cnot", pair) for pair in pairs]
