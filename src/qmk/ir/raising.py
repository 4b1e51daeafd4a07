"""Turns a ``Program`` into a graph, the inverse of ``ir.lower``, so that a rewritten program can be saved.

Indexes become handles again, conditions become guards. An exclusive or, which no guard can say, and a truth table of
more than six inputs become event logic of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.ir import conditions as c
from qmk.ir.program import (
    Barrier,
    Cond,
    Gate,
    Instruction,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    Misread,
    Noise,
    PauliNoise,
    PauliNoise2,
    Program,
    Reset,
)
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output

LUT_INPUTS = OPS["core.lut"].inputs.high or 0
"""Inputs of the largest truth table that one node takes."""

_MUX = 0b11001010
"""Bits (low, high, choice), the first lowest: ``high`` where ``choice`` is 1, else ``low``"""


def graph_of(program: Program, names: Mapping[int, str] | None = None, alloc: Mapping[str, Any] | None = None) -> Graph:
    """``program`` as a graph of the same meaning. ``names``: events for some cbits; others are named "m0", "m1", ...
    ``alloc``: arguments of the allocation, such as a profile.

    Raises UNSUPPORTED for a reading that errs, which needs the event that it is a reading of.
    """
    return _Raising(program, dict(names or {})).graph(dict(alloc or {}))


class _Raising:
    def __init__(self, program: Program, names: dict[int, str]) -> None:
        self.program = program
        self.nodes: list[Node] = []
        self.qubits = [f"q{k}" for k in range(program.n_qubits)]
        self.names = names
        self.taken = set(names.values())
        self.written: set[int] = set()
        self.derived: dict[Cond, str] = {}
        """Events that hold conditions on written cbits."""

    def graph(self, alloc: dict[str, Any]) -> Graph:
        if self.qubits:
            self._node("core.alloc", vqs=tuple(self.qubits), args=alloc)
        for item in (*self.program.instructions, *self.program.post):
            self._instruction(item)
        outputs = tuple(
            Output(r.name, tuple(self._name(k) if k in self.written else None for k in r.cbits), r.descending)
            for r in self.program.registers
        )
        produced = dict.fromkeys(event for node in self.nodes for event in node.produces)
        return Graph(
            nodes=tuple(self.nodes),
            vqs=tuple(self.qubits),
            events=tuple(produced),
            families=tuple(sorted({node.op.partition(".")[0] for node in self.nodes} or {"core"})),
            outputs=outputs,
        )

    def _instruction(self, item: Instruction | Misread) -> None:
        if isinstance(item, Barrier):
            self._node("core.barrier", vqs=self._qubits(item.qubits))
            return
        if isinstance(item, Noise):
            self._noise(item)
            return
        if isinstance(item, LossEvent):
            raise QmkError("UNSUPPORTED", "a loss event cannot be written back", op="noise.loss")
        if isinstance(item, Misread):
            raise QmkError("UNSUPPORTED", "a reading that errs is not written back", op="noise.readout")
        cond = True if item.cond is None else self._now(item.cond)
        if cond is False:
            return
        guard = None if cond is True else self._said(cond, True)
        match item:
            case Gate():
                op = OPS[f"core.{item.name}"]
                names = [p.name for p in op.params if p.kind == "angle"]
                args = dict(item.args) or dict(zip(names, item.params, strict=True))
                self._node(op.name, vqs=self._qubits(item.qubits), args=args, guard=guard)
            case Measure():
                event = self._write(item.cbit)
                self._node("core.mz", vqs=self._qubits((item.qubit,)), produces=(event,), guard=guard)
            case Reset():
                self._node("core.reset", vqs=self._qubits((item.qubit,)), guard=guard)
            case Logic():
                table, inputs = self._restrict_to_written(item)
                self._table(table, inputs, self._write(item.cbit), guard)

    def _noise(self, item: Noise) -> None:
        match item:
            case PauliNoise():
                name, values = "noise.pauli", (item.x, item.y, item.z)
            case PauliNoise2():
                name, values = "noise.pauli2", item.errors
            case KrausNoise():
                rows = [[[[z.real, z.imag] for z in row] for row in matrix] for matrix in item.operators]
                self._node("noise.kraus", vqs=self._qubits(item.qubits), args={"operators": rows})
                return
            case _:
                raise QmkError("UNSUPPORTED", f"{type(item).__name__} has no op in a graph", op=type(item).__name__)
        args = {p.name: value for p, value in zip(OPS[name].params, values, strict=True) if value}
        self._node(name, vqs=self._qubits(item.qubits), args=args)

    def _now(self, cond: Cond) -> c.Expression:
        """Evaluates ``cond`` where it stands: cbits that nothing has written yet read 0."""
        ahead = {cbit: False for cbit in c.cbits(cond) if cbit not in self.written}
        return c.substitute(cond, ahead) if ahead else cond

    def _restrict_to_written(self, item: Logic) -> tuple[int, tuple[str, ...]]:
        """Restricts a truth table to the inputs that are written by now. Gives it with their events."""
        places = [k for k, cbit in enumerate(item.inputs) if cbit in self.written]
        if len(places) == len(item.inputs):
            return item.table, tuple(self._name(cbit) for cbit in item.inputs)
        rows = (sum((row >> j & 1) << place for j, place in enumerate(places)) for row in range(1 << len(places)))
        table = sum((item.table >> full & 1) << row for row, full in enumerate(rows))
        return table, tuple(self._name(item.inputs[k]) for k in places)

    def _node(self, op: str, **fields: Any) -> None:
        self.nodes.append(Node(id=f"n{len(self.nodes)}", op=op, **fields))

    def _qubits(self, indexes: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(self.qubits[k] for k in indexes)

    def _name(self, cbit: int) -> str:
        if cbit not in self.names:
            self.names[cbit] = self._fresh(f"m{cbit}")
        return self.names[cbit]

    def _fresh(self, wanted: str) -> str:
        while wanted in self.taken:
            wanted += "_"
        self.taken.add(wanted)
        return wanted

    def _write(self, cbit: int) -> str:
        self.written.add(cbit)
        return self._name(cbit)

    def _table(self, table: int, inputs: tuple[str, ...], event: str, guard: Guard | None = None) -> None:
        """Writes a truth table as a node, or for many inputs as a tree of choices by the last of them."""
        if len(inputs) > LUT_INPUTS:
            half = 1 << (len(inputs) - 1)
            parts = [self._fresh(f"{event}_{k}") for k in range(2)]
            for k, part in enumerate(parts):
                self._table((table >> (k * half)) & ((1 << half) - 1), inputs[:-1], part)
            table, inputs = _MUX, (*parts, inputs[-1])
        self._node("core.lut", args={"table": table}, inputs=inputs, produces=(event,), guard=guard)

    def _said(self, cond: Cond, wanted: bool) -> Guard:
        """Writes the guard that ``cond`` is ``wanted``. Negations move inwards."""
        kind = cond[0]
        if kind == "bit":
            return Guard(event=self._name(cond[1]), value=int(wanted))
        if kind == "not":
            return self._said(cond[1], not wanted)
        if kind == "xor":
            return Guard(event=self._event(cond), value=int(wanted))
        parts = tuple(self._said(part, wanted) for part in cond[1:])
        return Guard(type="and" if (kind == "and") is wanted else "or", conditions=parts)

    def _event(self, cond: Cond) -> str:
        """An event that is 1 where ``cond`` holds, made here if there is none yet."""
        if cond[0] == "bit":
            return self._name(cond[1])
        if cond not in self.derived:
            event = self._fresh(f"x{len(self.nodes)}")
            if cond[0] == "xor":
                self._parity([self._event(part) for part in cond[1:]], event)
            else:
                self._node("core.lut", args={"table": 1}, produces=(event,), guard=self._said(cond, True))
            self.derived[cond] = event
        return self.derived[cond]

    def _parity(self, inputs: list[str], event: str) -> None:
        while len(inputs) > LUT_INPUTS:
            first, inputs = inputs[:LUT_INPUTS], inputs[LUT_INPUTS:]
            part = self._fresh(f"{event}_{len(inputs)}")
            self._node("core.lut", args={"table": _odd(LUT_INPUTS)}, inputs=tuple(first), produces=(part,))
            inputs.append(part)
        self._node("core.lut", args={"table": _odd(len(inputs))}, inputs=tuple(inputs), produces=(event,))


def _odd(inputs: int) -> int:
    """The truth table of an exclusive or."""
    return sum(1 << k for k in range(1 << inputs) if k.bit_count() % 2)


def with_meaning_of(graph: Graph, made: Graph) -> Graph:
    """Copies to ``made`` what ``graph`` has beside its ops: default shots, metadata, capabilities, wishes."""
    wishes = tuple(node for node in graph.nodes if OPS[node.op].op_class == "metadata")
    taken = {node.id for node in made.nodes}
    kept = tuple(
        msgspec.structs.replace(node, id=node.id if node.id not in taken else f"{node.id}_wish", vqs=())
        for node in wishes
    )
    families = dict.fromkeys((*made.families, *(node.op.partition(".")[0] for node in kept)))
    return msgspec.structs.replace(
        made,
        nodes=(*kept, *made.nodes),
        caps=graph.caps,
        shots=graph.shots,
        metadata=graph.metadata,
        families=tuple(families),
    )
