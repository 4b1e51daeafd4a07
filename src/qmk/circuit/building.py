"""A circuit's items as a graph: the one that OpenQASM text of the same program gives.

Bits hold functions of measured events while the items are replayed, as in the interpreter of OpenQASM: a branch becomes
guards, and a bit that both sides set is a selection between what they set it to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from qmk.base.errors import QmkError
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step, resolve
from qmk.circuit.operands import Condition
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder, handle_name
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.unitary import Prim
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import Graph, Output

PARAMS = {short: tuple(param.name for param in op.params) for short, op in FIXED_SIZE.items()}
"""The names of each gate's angles, in order."""

_NAMES = {short: op.name for short, op in FIXED_SIZE.items()}


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


def build(
    qubits: Sequence[QubitRegister],
    bits: Sequence[BitRegister],
    items: Iterable[Item],
    values: Mapping[str, Any],
    metadata: dict[str, Any],
    later: frozenset[int] = frozenset(),
) -> Graph:
    """The graph, not verified. Parameters that have no value in ``values`` stay expressions in its args. ``later``: the
    qubits that an item allocates; all others are allocated at the start."""
    replay = _Replay(qubits, bits, dict(values), later)
    try:
        for item in items:
            replay.run(item)
        return replay.finish(metadata)
    except Refusal as refusal:
        raise QmkError("INVALID_PARAMS", refusal.message, field="program", help=refusal.help) from None


class _Branch:
    """``condition``: what its first side is under, None where that is known now. ``dead``: within a side not taken."""

    __slots__ = ("before", "condition", "dead", "known", "then")

    def __init__(self, condition: lg.Bit | None, known: bool, dead: bool, before: list[lg.Bit]) -> None:
        self.condition, self.known, self.dead, self.before = condition, known, dead, before
        self.then: list[lg.Bit] | None = None


class _Replay:
    def __init__(
        self,
        qubits: Sequence[QubitRegister],
        bits: Sequence[BitRegister],
        values: dict[str, Any],
        later: frozenset[int],
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
        self.bits: list[lg.Bit] = [lg.FALSE] * len(labels)
        self.branches: list[_Branch] = []
        self.skips = False
        self.caps: set[str] = set()
        self.channels: dict[str, None] = {}

    def run(self, item: Item) -> None:
        if type(item) is tuple and not self.skips:
            self._gate(*cast("ModifiedGate", item))
        elif isinstance(item, If):
            self._open(item.condition)
        elif isinstance(item, Else):
            self._turn()
        elif isinstance(item, End):
            self._close()
        elif self.skips:
            return
        elif isinstance(item, Step):
            self._step(item)
        elif isinstance(item, Assign):
            self.bits[item.bit] = self._value(item.value)

    # -- ops ---------------------------------------------------------------------------------------------------------

    def _gate(
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

    def _step(self, step: Step) -> None:
        args = {name: resolve(value, self.values) for name, value in step.args.items()}
        reads = tuple(self._event(bit) for bit in step.reads)
        written = [self.builder.write_event(self.labels[bit]) for bit in step.writes]
        vqs = tuple([self.handles[k] for k in step.qubits])
        if step.op == "core.alloc":
            self.builder.alloc(vqs, args, guarded=True)
        elif step.op == "core.free":
            self.builder.free(vqs)
        else:
            chs = (step.channel,) if step.channel else ()
            self.builder.add(step.op, vqs, args, tuple(name for _, name in written), reads, chs=chs)
            self.channels.update(dict.fromkeys(chs))
        for bit, (event, _) in zip(step.writes, written, strict=True):
            self.bits[bit] = event
        if cap := OPS[step.op].cap:
            self.caps.add(cap)

    def _event(self, bit: int) -> str:
        found = self.builder.event_of(self.bits[bit])
        if found is None:
            raise QmkError(
                "INVALID_PARAMS",
                f"bit '{self.labels[bit]}' is read before anything has written it",
                field="program",
                help="measure into it first",
            )
        return found

    # -- conditions and branches -------------------------------------------------------------------------------------

    def _value(self, condition: Condition) -> lg.Bit:
        logic = self.builder.logic
        match condition.op, condition.args:
            case "bit", (int(index), *_):
                return lg.restrict(self.bits[index], self.builder.facts)
            case "not", (one,):
                return lg.negate(self._value(one))
            case "equal", (value, *bits):
                held = tuple(self._value(bit) for bit in bits)
                return logic.equal(held, tuple(lg.constant(value >> k & 1) for k in range(len(bits))))
            case "table", (table, *bits):
                return self._look_up(table, [self._value(bit) for bit in bits])
            case op, (left, right):
                combine = {"and": logic.both, "or": logic.either, "xor": logic.differ}[op]
                return combine(self._value(left), self._value(right))
            case _:
                raise AssertionError(condition.op)

    def _look_up(self, table: int, bits: list[lg.Bit]) -> lg.Bit:
        """The value of a truth table: bit k of it where the bits, the first the lowest, read k."""
        if not bits:
            return lg.constant(table & 1)
        half = 1 << (len(bits) - 1)
        high, low = self._look_up(table >> half, bits[:-1]), self._look_up(table & ((1 << half) - 1), bits[:-1])
        return self.builder.logic.select(bits[-1], high, low)

    def _open(self, condition: Condition) -> None:
        if self.skips:
            self.branches.append(_Branch(None, False, True, []))
            return
        value = lg.restrict(self._value(condition), self.builder.facts)
        known = lg.constant_of(value)
        self.branches.append(_Branch(value if known is None else None, bool(known), False, list(self.bits)))
        if known is None:
            self.builder.enter(value)
        else:
            self.skips = not known

    def _turn(self) -> None:
        branch = self.branches[-1]
        if branch.condition is not None:
            self.builder.leave()
            branch.then, self.bits = self.bits, list(branch.before)
            self.builder.enter(lg.negate(branch.condition))
        elif not branch.dead:
            self.skips = branch.known

    def _close(self) -> None:
        branch = self.branches.pop()
        if branch.condition is None:
            self.skips = branch.dead
            return
        self.builder.leave()
        new = self.bits if branch.then is None else branch.then
        old = branch.before if branch.then is None else self.bits
        self.bits = [a if a == b else self.builder.merge(branch.condition, a, b) for a, b in zip(new, old, strict=True)]

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self, metadata: dict[str, Any]) -> Graph:
        builder = self.builder
        outputs = [
            Output(name, tuple(builder.event_of(self.bits[bit]) for bit in reversed(bits)), descending=True)
            for name, bits, _, shown in reversed(self.registers)
            if shown
        ]
        graph = builder.finish(outputs, metadata)
        families = tuple(sorted({node.op.partition(".")[0] for node in graph.nodes}))
        caps = tuple(dict.fromkeys((*graph.caps, *sorted(self.caps))))
        return msgspec.structs.replace(graph, families=families, caps=caps, chs=tuple(self.channels))
