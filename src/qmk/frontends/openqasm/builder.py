"""The graph under construction: handles, events, guards, nodes. The interpreter decides; this writes down."""

from __future__ import annotations

from typing import Any

from qmk.base.limits import LIMITS
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.logic import Bit, Cube, Logic, Table
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.unitary import Prim, ops_of
from qmk.qvm.graph import Graph, Guard, Node, Output

MAX_CONDITIONS = 24
"""Conditions of one guard; a larger one is folded into an event."""


def handle_name(text: str) -> str:
    """``text`` with every character that no QVM id may hold written as ``uXXXX``."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else f"u{ord(c):04x}" for c in text)


class Builder:
    """Collects nodes. ``path`` holds the conditions of the branches being lowered, outermost first."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.vqs: list[str] = []
        self.freed: set[str] = set()
        self.events: list[str] = []
        self.path: list[Bit] = []
        self.guard: Guard | None = None
        self.facts: dict[int, int] = {}
        self.logic = Logic(self._table_event)
        self.pos = 0
        self._taken: set[str] = set()
        self._versions: dict[str, int] = {}
        self._tables: dict[Table, int] = {}
        self._under: dict[int, tuple[Bit, ...]] = {}
        self._saved: list[tuple[Guard | None, dict[int, int]]] = []

    # -- nodes -------------------------------------------------------------------------------------------------------

    def add(
        self,
        op: str,
        vqs: tuple[str, ...] = (),
        args: dict[str, Any] | None = None,
        produces: tuple[str, ...] = (),
        inputs: tuple[str, ...] = (),
        guarded: bool = True,
        chs: tuple[str, ...] = (),
        caps: tuple[str, ...] = (),
    ) -> None:
        nodes = self.nodes
        if len(nodes) >= LIMITS.expansion_nodes:
            raise too_many(self.pos)
        guard = self.guard if guarded else None
        nodes.append(Node(f"n{len(nodes)}", op, args or {}, vqs, chs, inputs, produces, caps, guard))

    def add_primitive(self, item: Prim, handles: tuple[str, ...]) -> None:
        """Writes a primitive of a gate on ``handles``. A phase without controls is left out: no measurement can see
        that of the whole program."""
        if not item.controls and item.power == 1 and item.base != "gphase":
            self.add(f"core.{item.base}", tuple([handles[k] for k in item.operands]), dict(item.args))
        elif item.base != "gphase" or item.controls:
            for op, args, operands in ops_of(item):
                self.add(f"core.{op}", tuple(handles[k] for k in operands), args)

    def allocate(self, register: str, size: int | None) -> tuple[str, ...]:
        """Handles for a register, or for one qubit where ``size`` is None, in |0>."""
        handles = self.name_qubits(register, size)
        self.alloc(handles)
        return handles

    def name_qubits(self, register: str, size: int | None) -> tuple[str, ...]:
        """Handles for a register, not yet allocated."""
        if len(self.vqs) + (size or 1) > LIMITS.qubits:
            asked = len(self.vqs) + (size or 1)
            raise Refusal("limit", self.pos, f"{asked} qubits exceed the limit of {LIMITS.qubits}")
        base = handle_name(register)
        names = (base,) if size is None else tuple(f"{base}_{k}" for k in range(size))
        handles = tuple(self._fresh(name) for name in names)
        self.vqs.extend(handles)
        return handles

    def alloc(self, handles: tuple[str, ...], args: dict[str, Any] | None = None, guarded: bool = False) -> None:
        """Allocates qubits in |0>, those that were freed too; whatever the branch, unless ``guarded``."""
        if handles:
            self.add("core.alloc", handles, args or {"n": len(handles)}, guarded=guarded, caps=("CAP_ALLOC",))
            self.freed.difference_update(handles)

    def free(self, handles: tuple[str, ...]) -> None:
        """Frees qubits; those that are freed already are not freed again at the end."""
        if handles:
            self.add("core.free", handles)
            self.freed.update(handles)

    def _fresh(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    # -- events ------------------------------------------------------------------------------------------------------

    def new_event(self, base: str) -> tuple[int, str]:
        """A new version of ``base``: ``c_0``, then ``c_0__1``, ``c_0__2`` and so on. Gives its number and name."""
        if len(self.events) >= LIMITS.events:
            raise Refusal("limit", self.pos, f"more than {LIMITS.events} classical bits")
        version = self._versions.get(base, 0)
        name = f"{base}__{version}" if version else base
        while name in self._taken:
            version += 1
            name = f"{base}__{version}"
        self._versions[base] = version + 1
        self._taken.add(name)
        self.events.append(name)
        return len(self.events) - 1, name

    def write_event(self, base: str) -> tuple[Bit, str]:
        """A new version of ``base``, for the op that comes next to write: its bit and its name."""
        number, name = self.new_event(base)
        if self.path:
            self._under[number] = tuple(self.path)
        return lg.event_bit(number), name

    def measure(self, handle: str, base: str) -> Bit:
        bit, name = self.write_event(base)
        self.add("core.mz", (handle,), produces=(name,))
        return bit

    def measure_atom(self, handle: str, base: str, lost_base: str) -> tuple[Bit, Bit]:
        """Measure Z of an atom that may be lost: its bit, 0 where it is, and whether it is."""
        (bit, name), (lost, lost_name) = self.write_event(base), self.write_event(lost_base)
        self.add("atoms.mz", (handle,), produces=(name, lost_name))
        return bit, lost

    def _table_event(self, table: Table) -> int:
        """The event that holds ``table``; computed where first needed, in every shot, whatever the branch."""
        number = self._tables.get(table)
        if number is None:
            inputs = tuple(self.events[k] for k in table.inputs)
            number, name = self.new_event("lut")
            self.add("core.lut", args={"table": table.table}, inputs=inputs, produces=(name,), guarded=False)
            self._tables[table] = number
        return number

    def event_of(self, bit: Bit) -> str | None:
        """The name of an event that holds ``bit``; None for a constant 0."""
        if lg.constant_of(bit) is False:
            return None
        return self.events[self.logic.single(bit)]

    def merge(self, chooser: Bit, when_true: Bit, when_false: Bit) -> Bit:
        """``Logic.select``, knowing that an event of a branch not taken reads 0."""
        if lg.constant_of(when_false) is False and self._implies(when_true, chooser):
            return when_true
        if lg.constant_of(when_true) is False and self._implies(when_false, lg.negate(chooser)):
            return when_false
        return self.logic.select(chooser, when_true, when_false)

    def _implies(self, bit: Bit, condition: Bit) -> bool:
        return (
            isinstance(bit, Table)
            and bit.table == 0b10
            and len(bit.inputs) == 1
            and condition in self._under.get(bit.inputs[0], ())
        )

    # -- branches ----------------------------------------------------------------------------------------------------

    def enter(self, condition: Bit) -> None:
        """Lower what follows under ``condition`` too, until ``leave``."""
        self._saved.append((self.guard, self.facts))
        self.path.append(condition)
        literals = lg.conjunction(condition)
        if literals:
            self.facts = {**self.facts, **dict(literals)}
        self.guard = self._guard()

    def leave(self) -> None:
        self.path.pop()
        self.guard, self.facts = self._saved.pop()

    def _guard(self) -> Guard | None:
        """The conditions of the path as one guard."""
        literals: dict[tuple[int, int], None] = {}
        clauses: dict[frozenset[tuple[int, int]], None] = {}
        for bit in self.path:
            if (found := lg.conjunction(bit)) is not None:
                literals.update(dict.fromkeys(sorted(found)))
            elif (found := lg.conjunction(lg.negate(bit))) is not None and len(found) <= MAX_CONDITIONS:
                clauses[frozenset((event, 1 - value) for event, value in found)] = None
            else:
                literals[(self.logic.single(bit), 1)] = None
        if len(literals) + sum(map(len, clauses)) > MAX_CONDITIONS:
            return self._fold(literals, clauses)
        parts = [self._equal(literal) for literal in literals]
        parts += [Guard("or", conditions=tuple(self._equal(lit) for lit in sorted(clause))) for clause in clauses]
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else Guard("and", conditions=tuple(parts))

    def _fold(self, literals: dict[tuple[int, int], None], clauses: dict[frozenset[tuple[int, int]], None]) -> Guard:
        whole = lg.from_literals(literals)
        for clause in clauses:
            none = lg.from_literals((event, 1 - value) for event, value in clause)
            whole = self.logic.both(self.logic.small(whole), lg.negate(none))
        if isinstance(whole, Cube):
            whole = self.logic.small(whole)
        return Guard("eq", self.events[self.logic.single(whole)])

    def _equal(self, literal: tuple[int, int]) -> Guard:
        return Guard("eq", self.events[literal[0]], literal[1])

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self, outputs: list[Output], metadata: dict[str, Any]) -> Graph:
        """The graph: every qubit freed that still lives, outputs as given (leftmost first)."""
        self.guard = None
        self.free(tuple(vq for vq in self.vqs if vq not in self.freed))
        if not self.nodes:
            self.add("core.barrier")  # a graph has at least one node; this one changes nothing
        return Graph(
            nodes=tuple(self.nodes),
            vqs=tuple(self.vqs),
            events=tuple(self.events),
            caps=("CAP_ALLOC",) if self.vqs else (),
            families=("core",),
            outputs=tuple(outputs),
            metadata=metadata,
        )


def too_many(pos: int) -> Refusal:
    return Refusal(
        "limit", pos, f"the program expands to more than {LIMITS.expansion_nodes} operations",
        "shorten the loops or split the program",
    )  # fmt: skip
