"""A program of gates, steps and branches, replayed in order into a graph: what the graph of a circuit is made by, and
those of other languages whose statements say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from qmk.frontends.openqasm.branching import Branching
from qmk.frontends.openqasm.builder import Builder, handle_name
from qmk.frontends.openqasm.unitary import Prim
from qmk.ir.parameter_values import resolve
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import Graph, Output

PARAMS = {short: tuple(param.name for param in op.params) for short, op in FIXED_SIZE.items()}
"""The names of each gate's angles, in order."""

_NAMES = {short: op.name for short, op in FIXED_SIZE.items()}


def gate_item(
    short: str, args: Mapping[str, Any], qubits: tuple[int, ...]
) -> tuple[str, tuple[Any, ...], tuple[int, ...]] | tuple[str, tuple[Any, ...], tuple[int, ...], str, float]:
    """A core op, as ``unitary.ops_of`` gives it, in the form that is replayed: (gate, angles, qubits), and of one with
    controls or a power also what the controls hold, and the power."""
    if short != "mod":
        return short, tuple(args[name] for name in PARAMS[short]), qubits
    angles = tuple(args.get("params", {})[name] for name in PARAMS[args["gate"]])
    return args["gate"], angles, qubits, args.get("state") or "1" * args["controls"], args.get("power", 1.0)


class QubitRegister(NamedTuple):
    """``size`` None: one qubit by itself."""

    name: str
    size: int | None


class BitRegister(NamedTuple):
    """``bits`` by number, the lowest first. ``single``: one bit by itself. ``shown``: it is printed."""

    name: str
    bits: tuple[int, ...]
    single: bool = False
    shown: bool = True

    def label(self, place: int) -> str:
        """The name of the event that a measurement into this bit writes first."""
        return handle_name(self.name) if self.single else f"{handle_name(self.name)}_{place}"


class Replay:
    """Registers, and what is done with their qubits and bits, by number. ``values``: those of parameters; others stay
    expressions in the args of the graph. ``later``: qubits that a step allocates; all others are there at the start."""

    def __init__(
        self,
        qubits: Sequence[QubitRegister],
        bits: Sequence[BitRegister],
        values: dict[str, Any],
        later: frozenset[int] = frozenset(),
    ) -> None:
        self.builder = Builder()
        self.values = values
        handles: list[str] = []
        for name, size in qubits:
            first, named = len(handles), self.builder.name_qubits(name, size)
            handles += named
            self.builder.alloc(tuple([vq for k, vq in enumerate(named, first) if k not in later]))
        self.handles = tuple(handles)
        self.registers = bits
        labels = {bit: register.label(k) for register in bits for k, bit in enumerate(register.bits)}
        self.labels = [labels[k] for k in range(len(labels))]
        self.branching = Branching(self.builder, self.labels)
        self.caps: set[str] = set()
        self.channels: dict[str, None] = {}

    def gate(
        self, name: str, angles: tuple[Any, ...], qubits: tuple[int, ...], controls: str = "", power: float = 1.0
    ) -> None:
        handles = self.handles
        args: dict[str, Any] = {}
        if angles:
            values = self.values
            args = {p: a if type(a) is float else resolve(a, values) for p, a in zip(PARAMS[name], angles, strict=True)}
        if controls or power != 1.0:
            self.builder.add_primitive(Prim(name, qubits, args, controls, power), handles)
        else:
            self.builder.add(_NAMES[name], tuple([handles[k] for k in qubits]), args)

    def step(
        self,
        op: str,
        given: Mapping[str, Any],
        qubits: tuple[int, ...],
        read: tuple[int, ...] = (),
        writes: tuple[int, ...] = (),
        channel: str = "",
    ) -> None:
        args = {name: resolve(value, self.values) for name, value in given.items()}
        reads = tuple(self.branching.event(bit) for bit in read)
        written = [self.builder.write_event(self.labels[bit]) for bit in writes]
        vqs = tuple([self.handles[k] for k in qubits])
        if op == "core.alloc":
            self.builder.alloc(vqs, args, guarded=True)
        elif op == "core.free":
            self.builder.free(vqs)
        else:
            chs = (channel,) if channel else ()
            self.builder.add(op, vqs, args, tuple(name for _, name in written), reads, chs=chs)
            self.channels.update(dict.fromkeys(chs))
        for bit, (event, _) in zip(writes, written, strict=True):
            self.branching.bits[bit] = event
        if cap := OPS[op].cap:
            self.caps.add(cap)

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self, metadata: dict[str, Any]) -> Graph:
        builder = self.builder
        outputs = [
            Output(name, tuple(builder.event_of(self.branching.bits[bit]) for bit in reversed(bits)), descending=True)
            for name, bits, _, shown in reversed(self.registers)
            if shown
        ]
        graph = builder.finish(outputs, metadata)
        families = tuple(sorted({node.op.partition(".")[0] for node in graph.nodes}))
        caps = tuple(dict.fromkeys((*graph.caps, *sorted(self.caps))))
        return msgspec.structs.replace(graph, families=families, caps=caps, chs=tuple(self.channels))
