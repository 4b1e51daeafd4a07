"""How long qubits wait: every op as soon as its operands are ready, in layers and in seconds."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from qmk.models.noise.model import NoiseModel
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

_ACTING = ("unitary", "composite", "measure", "reset")
TIMED = ("atoms.move", "atoms.wait")
"""Ops that mean nothing for ideal qubits but take time of their own."""


class Wait(NamedTuple):
    """``layers`` and ``measuring`` (where others are measured or reset meanwhile, and the model tells these apart):
    whole layers; ``seconds`` by the durations of ops."""

    qubit: str
    layers: int
    measuring: int
    seconds: float


class Durations:
    """How long ops take by a model: the times of their operands come before those of any."""

    def __init__(self, model: NoiseModel) -> None:
        self._any = model.durations
        self._own = {(time.name, time.operands): time.seconds for time in reversed(model.times)}

    def of(self, node: Node) -> float:
        """Seconds of an op: by its name, else by its kind; 0 where the model says nothing."""
        if node.op in TIMED:
            return float(node.args["duration"]) * 1e-6
        kind = OPS[node.op].op_class
        by_kind = kind if kind in ("measure", "reset") else "1q" if len(node.vqs) == 1 else "2q"
        names = node.op.partition(".")[2], by_kind
        for name in names if self._own else ():
            if (name, node.vqs) in self._own:
                return self._own[name, node.vqs]
        return next((self._any[name] for name in names if name in self._any), 0.0)


def waits(model: NoiseModel, graph: Graph) -> dict[int, list[Wait]]:
    """Before which node which qubits have waited. Empty where the model has nothing for qubits that wait."""
    if not (model.idle or model.idle_measure or model.relaxation or model.loss_rate):
        return {}
    clocks = _Clocks(model)
    gaps = [gap for index, node in enumerate(graph.nodes) for gap in clocks.take(index, node)]
    flags = (
        [layer in clocks.measuring for layer in range(clocks.latest[0] + 1)] if model.idle_measure is not None else []
    )
    before = [0, *itertools.accumulate(flags)]
    found: dict[int, list[Wait]] = {}
    for index, qubit, start, stop, seconds in gaps:
        measuring = before[stop] - before[start] if flags else 0
        layers = stop - start - measuring
        if layers or measuring or seconds > 0:
            found.setdefault(index, []).append(Wait(qubit, layers, measuring, seconds))
    return found


class _Clocks:
    """When each qubit and event is ready: (next layer, seconds). A qubit's clock starts with its first op."""

    def __init__(self, model: NoiseModel) -> None:
        self.durations = Durations(model)
        self.qubits: dict[str, tuple[int, float]] = {}
        self.events: dict[str, tuple[int, float]] = {}
        self.barred: dict[str, tuple[int, float]] = {}
        self.floor = self.latest = (0, 0.0)
        self.measuring: set[int] = set()

    def take(self, index: int, node: Node) -> list[tuple[int, str, int, int, float]]:
        """(node, qubit, first layer of the wait, layer of the op, seconds) for every operand that waited."""
        op = OPS[node.op]
        if op.op_class in ("fence", "hint") and op.name not in TIMED:
            self._synchronise(node.vqs)
            return []
        if op.name == "core.free":
            for qubit in node.vqs:
                self.qubits.pop(qubit, None)
            return []
        reads = (*node.inputs, *(node.guard.events() if node.guard is not None else ()))
        ready = [self.floor, *(self.events[event] for event in reads if event in self.events)]
        if (op.op_class not in _ACTING and op.name not in TIMED) or not node.vqs:
            layer, seconds = max(part[0] for part in ready), max(part[1] for part in ready)
            self.events.update(dict.fromkeys(node.produces, (layer, seconds)))
            return []
        ready += [self.barred[qubit] for qubit in node.vqs if qubit in self.barred]
        known = [(qubit, *self.qubits[qubit]) for qubit in node.vqs if qubit in self.qubits]
        layer = max([part[0] for part in ready] + [part[1] for part in known])
        start = max([part[1] for part in ready] + [part[2] for part in known])
        end = (layer + 1, start + self.durations.of(node))
        self.qubits.update(dict.fromkeys(node.vqs, end))
        self.events.update(dict.fromkeys(node.produces, end))
        self.latest = (max(self.latest[0], end[0]), max(self.latest[1], end[1]))
        if op.op_class in ("measure", "reset"):
            self.measuring.add(layer)
        return [(index, qubit, since, layer, start - clock) for qubit, since, clock in known]

    def _synchronise(self, qubits: tuple[str, ...]) -> None:
        """A barrier: what follows on these qubits, or on all, starts when all of them are ready. They wait until then,
        which shows when they next act."""
        if not qubits:
            self.floor = self.latest
            return
        known = [self.qubits[qubit] for qubit in qubits if qubit in self.qubits]
        known += [self.barred[qubit] for qubit in qubits if qubit in self.barred]
        if known:
            then = (max(part[0] for part in known), max(part[1] for part in known))
            self.barred.update(dict.fromkeys(qubits, then))
