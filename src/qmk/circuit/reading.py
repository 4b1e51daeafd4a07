"""A graph as a circuit's items: events become bits, guards become branches, tables become conditions.

A bit that no register prints is one of its own that is not printed. Qubits are allocated at the start; one that is
allocated again is reset. What a circuit has no place for is refused by name; a program has a place for nearly all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.circuit.building import PARAMS
from qmk.circuit.items import Assign, End, If, Item, PlainGate, Step
from qmk.circuit.operands import Condition
from qmk.frontends.qasm3.names import Names, registers
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Guard, Node, Output, collect
from qmk.qvm.verify import verify
from qmk.sdk.collection import no_collection

if TYPE_CHECKING:
    from qmk.circuit.circuit import Circuit

# This is a constructor of Circuit in a file of its own.
# pyright: reportPrivateUsage=false

XOR = "xor"
GATES = {
    name: (op.short, PARAMS[op.short]) for name, op in OPS.items() if op.op_class == "unitary" and op.short in PARAMS
}
"""Of each gate its name in a circuit, and the names of its angles in order."""


@no_collection()
def read_graph(circuit: Circuit, graph: Graph, is_open: bool = False) -> None:
    """Fills an empty circuit with the meaning of ``graph``. ``is_open``: a front-end has just made it, with parameters
    that are still to be set, so that it cannot be verified yet, or out of a framework's own circuit; it is verified
    when it is run. Raises INVALID_GRAPH with findings, UNSUPPORTED."""
    error = None if is_open else verify(graph).error()
    if error is not None:
        raise error
    reader = _Reader(circuit, graph)
    circuit._channels.update(graph.chs)
    guard: Guard | None = None
    add = circuit._items.append
    known: dict[tuple[str, tuple[str, ...]], PlainGate] = {}  # those without angles: one item wherever they stand
    for node in graph.nodes:
        gate = GATES.get(node.op)
        if gate is not None and guard is None and node.guard is None and not node.chs:  # most nodes of most graphs
            key = (node.op, node.vqs)
            found = known.get(key)
            if found is None:
                found = reader.gate(node, *gate)
                if not gate[1]:
                    known[key] = found
            add(found)
            continue
        items = reader.items_of(node)
        if not items:
            continue
        if node.guard != guard:
            if guard is not None:
                circuit._items.append(End())
            guard = node.guard
            if guard is not None:
                circuit._items.append(If(reader.condition(guard)))
        circuit._items += items
    if guard is not None:
        circuit._items.append(End())
    circuit._items += reader.copies
    circuit._metadata, circuit._shots = dict(graph.metadata), graph.shots
    circuit._written = set(range(circuit.n_bits))


@no_collection()
def read_text(circuit: Circuit, text: bytes, format: str | None) -> None:
    """Fills an empty circuit with the meaning of text that an adapter made of a framework's program."""
    from qmk import frontends

    read_graph(circuit, frontends.load(text, format=format).graph, is_open=True)


class _Reader:
    def __init__(self, circuit: Circuit, graph: Graph) -> None:
        vqs = graph.vqs or collect(graph.nodes)[0]
        names = Names()
        declared, _ = registers(vqs, names)
        for name, size in declared:
            circuit.add_qubits(size, name)
        self.qubits = {handle: k for k, handle in enumerate(vqs)}
        self.bits: dict[str, int] = {}
        self.copies: list[Item] = []
        self.freed: set[str] = set()
        self.holds_all = circuit._holds_all
        self.implied = _find_implied(graph, vqs, [size or 1 for _, size in declared]) if self.holds_all else set[str]()
        self._declare(circuit, graph, names)

    def _declare(self, circuit: Circuit, graph: Graph, names: Names) -> None:
        written = list(dict.fromkeys(event for node in graph.nodes for event in node.produces))
        produced = frozenset(written)
        outputs = graph.outputs
        if outputs is None:
            order = tuple(dict.fromkeys(event for event in graph.events if event in produced)) or tuple(written)
            outputs = (Output("c", order),) if written else ()
        for output in reversed(outputs):
            self._register(circuit, output, names, produced)
        for event in written:
            if event not in self.bits:
                self.bits[event] = add_register(circuit, names.reserve(event, "b"), 1, True, False)[0]

    def _register(self, circuit: Circuit, output: Output, names: Names, written: frozenset[str]) -> None:
        single = len(output.bits) == 1 and output.bits[0] == output.name
        numbers = add_register(circuit, names.reserve(output.name or "c", "c"), len(output.bits), single, True)
        for bit, event in zip(numbers, reversed(output.bits), strict=True):
            if event is None or event not in written:
                continue
            if event in self.bits:
                self.copies.append(Assign(bit, Condition("bit", (self.bits[event],))))
            else:
                self.bits[event] = bit

    # -- conditions --------------------------------------------------------------------------------------------------

    def _bit(self, event: str) -> Condition:
        """The bit of an event; one that nothing writes is 0."""
        return Condition("bit", (self.bits[event],)) if event in self.bits else Condition("table", (0,))

    def condition(self, guard: Guard) -> Condition:
        """A guard as a condition."""
        if guard.type == "eq":
            bit = self._bit(guard.event)
            return {0: Condition("not", (bit,)), 1: bit}.get(guard.value, Condition("table", (0,)))
        parts = [self.condition(part) for part in guard.conditions]
        empty = Condition("table", (int(guard.type == "and"),))
        return reduce(lambda a, b: Condition(guard.type, (a, b)), parts) if parts else empty

    # -- nodes -------------------------------------------------------------------------------------------------------

    def gate(self, node: Node, name: str, params: tuple[str, ...]) -> PlainGate:
        """A gate on these qubits."""
        qubits, args, vqs = self.qubits, node.args, node.vqs
        angles = tuple([args[name] for name in params]) if params else ()
        return (name, angles, (qubits[vqs[0]],) if len(vqs) == 1 else tuple([qubits[handle] for handle in vqs]))

    def items_of(self, node: Node) -> list[Item]:
        """The items of one node, without its guard. Raises UNSUPPORTED for what a circuit has no place for."""
        gate = GATES.get(node.op)
        if gate is not None and not node.chs:
            return [self.gate(node, *gate)]
        op = OPS.get(node.op)
        if op is None or (node.op == "core.mbell" and len(node.produces) == 1):
            raise _refuse(node, "use the graph itself: every call takes one")
        if node.chs and not self.holds_all:
            raise _refuse(node, "read it as a qmk.Program, or use the graph itself: every call takes one")
        qubits = tuple([self.qubits[handle] for handle in node.vqs])
        if op.op_class == "noise" and not (node.inputs or node.produces or node.chs):
            return [Step(node.op, dict(node.args), qubits)]
        as_it_is = self.holds_all and all(event in self.bits for event in node.inputs)
        match op.op_class:
            case "lifecycle":
                return self._lifecycle(node, qubits)
            case "unitary" if op.short == "mod":
                return [_modified_gate(node.args, qubits)]
            case "classical" if not as_it_is:
                inputs = tuple(self._bit(event) for event in node.inputs)
                return [Assign(self.bits[node.produces[0]], Condition("table", (int(node.args["table"]), *inputs)))]
            case "feedforward" if not as_it_is:
                condition = reduce(lambda a, b: Condition(XOR, (a, b)), [self._bit(event) for event in node.inputs])
                pairs = zip(node.args["paulis"], qubits, strict=True)
                return [If(condition), *((p.lower(), (), (q,)) for p, q in pairs if p != "I"), End()]
            case _:
                reads = tuple([self.bits[event] for event in node.inputs])
                writes = tuple([self.bits[event] for event in node.produces])
                return [Step(node.op, dict(node.args), qubits, reads, writes, "".join(node.chs))]

    def _lifecycle(self, node: Node, qubits: tuple[int, ...]) -> list[Item]:
        if self.holds_all:
            return [] if node.id in self.implied else [Step(node.op, dict(node.args), qubits)]
        if node.op == "core.free":
            self.freed.update(node.vqs)
            return []
        if node.args.keys() - {"n"}:
            raise _refuse(node, "read it as a qmk.Program, or leave out its profile and tenant")
        return [Step("core.reset", {}, (q,)) for q, name in zip(qubits, node.vqs, strict=True) if name in self.freed]


def add_register(circuit: Circuit, name: str, size: int, single: bool, shown: bool) -> tuple[int, ...]:
    """Adds a register of bits, which results print if ``shown``. Gives the numbers of its bits."""
    numbers = tuple(bit.index for bit in circuit.add_bits(None if single else size, name))
    circuit._bit_registers[-1] = circuit._bit_registers[-1]._replace(shown=shown)
    return numbers


def _find_implied(graph: Graph, vqs: tuple[str, ...], sizes: Sequence[int]) -> set[str]:
    """The ids of nodes that a program writes by itself: registers allocated at the start, what lives freed at the
    end."""
    found, at = set[str](), 0
    for node, size in zip(graph.nodes, sizes, strict=False):
        if (node.op, node.args, node.vqs) != ("core.alloc", {"n": size}, vqs[at : at + size]):
            break
        found.add(node.id)
        at += size
    last, gone = graph.nodes[-1], set[str]()
    for node in graph.nodes[:-1]:
        if node.op in ("core.alloc", "core.free"):
            (gone.update if node.op == "core.free" else gone.difference_update)(node.vqs)
    if last.op == "core.free" and last.vqs == tuple(vq for vq in vqs if vq not in gone):
        found.add(last.id)
    return found


def _modified_gate(args: dict[str, Any], qubits: tuple[int, ...]) -> Item:
    gate, controls = args["gate"], args.get("controls", 0)
    params: dict[str, Any] = args.get("params") or {}
    angles = tuple(params[name] for name in PARAMS[gate])
    return (gate, angles, qubits, args.get("state") or "1" * controls, float(args.get("power", 1.0)))


def _refuse(node: Node, fix: str) -> QmkError:
    text = f"node '{node.id}' ({node.op}) has no form in a circuit"
    return QmkError("UNSUPPORTED", text, node=node.id, op=node.op, help=fix)
