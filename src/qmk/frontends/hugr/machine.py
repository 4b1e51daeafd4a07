"""A HUGR, followed into a graph of ours.

Where a measurement decides a branch, each side is followed under its condition, and where they meet again their values
are joined; a qubit that lies in another place after one side is swapped there. Loops that known values end are followed
round by round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from qmk.base.limits import LIMITS
from qmk.frontends.hugr.constants import constant
from qmk.frontends.hugr.flow import meeting_places
from qmk.frontends.hugr.tree import Node, Port, Tree
from qmk.frontends.hugr.values import (
    Array,
    Function,
    Qubit,
    Sum,
    places_of,
    qubits_in,
    rename,
    variant,
    wrong,
)
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.builder import Builder
from qmk.frontends.pytket_json.reader import swaps
from qmk.frontends.qir.values import Arithmetic
from qmk.sdk.frontend import Refused

MEASURED_ROUNDS = 64
"""Conditions that may gather around an op: rounds of a loop whose end a measurement decides."""

_SILENT = frozenset(("Const", "FuncDefn", "FuncDecl", "AliasDecl", "AliasDefn", "Input", "Output"))

Call = Callable[["Machine", Node, list[Any]], Sequence[Any]]


def _variable(argument: Any) -> int | None:
    """The number of the variable of a generic function that an argument is; hugr 0.18 makes types of some."""
    inner = argument["ty"] if argument["tya"] == "Type" else argument
    if inner.get("t") == "V":
        return inner["i"]
    return inner["idx"] if inner.get("tya") == "Variable" else None


class Machine:
    """``calls``: what each op of an extension does, by its full name. ``recorded``: what is reported, in order: the
    kind, the value, the label. ``results``: what was measured, in order."""

    def __init__(self, tree: Tree, calls: dict[str, Call]) -> None:
        self.tree, self.calls = tree, calls
        self.builder = Builder()
        self.arithmetic = Arithmetic(self.builder, self.step)
        self.recorded: list[tuple[str, Any, str]] = []
        self.results: dict[Any, lg.Bit] = {}
        self.released: list[str] = []
        self.where = ""
        self._values: dict[Port, Any] = {}
        self._generic: tuple[Any, ...] = ()
        self._calls = 0
        self._steps = 0
        self._doors: dict[int, dict[int, int]] = {}

    def step(self, count: int) -> None:
        self._steps += count
        if self._steps > LIMITS.expansion_steps:
            raise Refused("HUGR-07", f"the program takes more than {LIMITS.expansion_steps} steps to follow")

    # -- graphs ------------------------------------------------------------------------------------------------------

    def call(self, function: Function, given: Sequence[Any]) -> list[Any]:
        """What a function gives for these values."""
        if self.tree.nodes[function.node].op != "FuncDefn":
            raise Refused("HUGR-03", f"{self.tree.nodes[function.node].label} is declared, and nothing defines it")
        if self._calls >= LIMITS.macro_depth:
            raise Refused("HUGR-07", f"calls nest deeper than {LIMITS.macro_depth}")
        self._calls += 1
        held, self._values, self._generic = (self._values, self._generic), {}, function.args
        found = self.region(function.node, given)
        self._values, self._generic = held
        self._calls -= 1
        return found

    def region(self, region: int, given: Sequence[Any]) -> list[Any]:
        """What a dataflow graph gives for these values."""
        nodes, last = self.tree.nodes, -1
        order = self.tree.order(region)
        self.step(1 + len(order))
        for index in order:
            op = nodes[index].op
            if op == "Input":
                self._give(index, given)
            elif op == "Output":
                last = index
            elif op not in _SILENT:
                try:
                    self._give(index, self._do(index, nodes[index]))
                except Refused as refused:
                    self.where = self.where or f"node {index}, {nodes[index].label}"
                    raise refused
        if last < 0:
            raise Refused("HUGR-01", f"the graph of node {region} has no output")
        return self._take(last)

    def _give(self, index: int, values: Sequence[Any]) -> None:
        for port, value in enumerate(values):
            self._values[index, port] = value

    def _take(self, index: int) -> list[Any]:
        """The values that a node takes. A qubit is taken from where it was."""
        sources = self.tree.inputs[index]
        found: list[Any] = []
        for port in range(len(sources)):
            source = sources.get(port)
            if source is None:
                raise Refused("HUGR-01", f"input {port} of node {index} has no edge")
            value = self._values.get(source)
            if value is not None and type(value) in (Qubit, Sum, Array) and any(qubits_in(value)):
                self._values[source] = None
            found.append(value)
        return found

    def _do(self, index: int, node: Node) -> Sequence[Any]:
        """What a node gives."""
        tree = self.tree
        match node.op:
            case "LoadConstant":
                return [constant(tree.nodes[tree.source(index, ("Const",))].v, self.step)]
            case "LoadFunction":
                return [self._function(index)]
            case "Call":
                return self.call(self._function(index), self._take(index)[:-1])
            case _:
                given = self._take(index)
        self.step(1 + len(given))
        match node.op:
            case "Extension":
                known = self.calls.get(node.extension.replace("tket2.", "tket.", 1) + "." + node.name)
                if known is None:
                    raise Refused("HUGR-03", "this op is not read")
                if any(_variable(each) is not None for each in node.args):
                    node = msgspec.structs.replace(node, args=self._arguments(node.args))
                return known(self, node, given)
            case "DFG":
                return self.region(index, given)
            case "Tag":
                return [variant(node.tag, len(node.variants), *given)]
            case "CallIndirect":
                if not given or not isinstance(given[0], Function):
                    raise wrong("a function", given[0] if given else None)
                return self.call(given[0], given[1:])
            case "Conditional":
                return self._branch(given, tree.children[index])
            case "TailLoop":
                return self._loop(index, given)
            case "CFG":
                return self._blocks(index, given)
            case _:
                raise Refused("HUGR-03", "this op is not read")

    def _function(self, index: int) -> Function:
        """The function that a node takes."""
        args = self._arguments(self.tree.nodes[index].type_args)
        return Function(self.tree.source(index, ("FuncDefn", "FuncDecl")), tuple(args))

    def _arguments(self, args: list[Any]) -> list[Any]:
        """Arguments of an op or a generic function, with those of the function that is followed for its variables."""
        places = [_variable(each) for each in args]
        return [each if k is None else self._generic[k] for k, each in zip(places, args, strict=True)]

    # -- what measurements decide ------------------------------------------------------------------------------------

    def _ways(self, given: list[Any], count: int) -> list[tuple[lg.Bit, int, list[Any]]]:
        """The ways that shots go by a sum, the first of ``given``: the condition, the number of the row, its values
        followed by the rest of ``given``."""
        chooser = given[0] if given else None
        if not isinstance(chooser, Sum) or len(chooser.rows) != count:
            raise wrong(f"a sum of {count}", chooser)
        found: list[tuple[lg.Bit, int, list[Any]]] = []
        for k, (condition, row) in enumerate(zip(chooser.conditions, chooser.rows, strict=True)):
            known = self.arithmetic.known_bit(condition)
            if lg.constant_of(known) is not False:
                found.append((known, k, [*(row or ()), *given[1:]]))
        return found

    def _part(self, ways: list[tuple[lg.Bit, Callable[[], list[Any]]]]) -> list[Any]:
        """Follows each way under its condition, and joins what they give."""
        if not ways:
            raise Refused("HUGR-04", "no shot can be here")
        if len(ways) == 1:
            return ways[0][1]()
        if len(self.builder.path) >= MEASURED_ROUNDS:
            raise Refused("HUGR-05", "a loop ends by a measurement, so that its length is not known")
        found: list[list[Any]] = []
        for condition, follow in ways:
            self.builder.enter(condition)
            outputs = follow()
            found.append(self._move(found[0], outputs) if found else outputs)
            self.builder.leave()
        joined = found[0]
        for (condition, _), outputs in zip(ways[1:], found[1:], strict=True):
            joined = [self.join(condition, one, other) for one, other in zip(outputs, joined, strict=True)]
        return joined

    def _move(self, targets: list[Any], values: list[Any]) -> list[Any]:
        """Swaps qubits, in the shots that are here, to where they are in ``targets``."""
        if len(targets) != len(values):
            raise Refused("HUGR-04", f"one branch gives {len(targets)} values, another {len(values)}")
        names = {handle: handle for value in values for handle in qubits_in(value)}
        self.step(len(names))
        for one, other in swaps({a: b for a, b in places_of(targets, values).items() if a != b}):
            self.builder.add("core.swap", (one, other))
            moved = {one: other, other: one}
            names = {start: moved.get(place, place) for start, place in names.items()}
        return [rename(value, names) for value in values]

    def join(self, chooser: lg.Bit, one: Any, other: Any) -> Any:
        """``one`` where the condition holds, else ``other``."""
        if one == other:
            return one
        if isinstance(one, Sum) and isinstance(other, Sum) and len(one.rows) == len(other.rows):
            merge = self.builder.merge
            conditions = [merge(chooser, a, b) for a, b in zip(one.conditions, other.conditions, strict=True)]
            rows = [
                row_2 if row is None else row if row_2 is None else self._join_rows(chooser, row, row_2)
                for row, row_2 in zip(one.rows, other.rows, strict=True)
            ]
            return Sum(tuple(conditions), tuple(rows))
        if isinstance(one, Array) and isinstance(other, Array) and len(one.items) == len(other.items):
            return Array(self._join_rows(chooser, one.items, other.items))
        if any(isinstance(value, (Qubit, Sum, Array, Function, str)) for value in (one, other)):
            raise Refused("HUGR-05", "a measurement decides between two values that cannot be joined")
        return self.arithmetic.join(chooser, one, other)

    def _join_rows(self, chooser: lg.Bit, row: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
        self.step(1 + len(row))
        return tuple([self.join(chooser, a, b) for a, b in zip(row, other, strict=True)])

    def _branch(self, given: list[Any], cases: list[int]) -> list[Any]:
        return self._part(
            [
                (condition, partial(self.region, cases[k], values))
                for condition, k, values in self._ways(given, len(cases))
            ]
        )

    def _loop(self, index: int, given: list[Any]) -> list[Any]:
        """Rounds until the body gives its second row."""
        while True:
            ways = self._ways(self.region(index, given), 2)
            if len(ways) != 1:
                return self._part(
                    [
                        (way, partial(list, values) if k else partial(self._loop, index, values))
                        for way, k, values in ways
                    ]
                )
            _, k, given = ways[0]
            if k:
                return given

    def _blocks(self, index: int, given: list[Any]) -> list[Any]:
        """Basic blocks, from the first child to the exit."""
        tree = self.tree
        if index not in self._doors:
            blocks = [k for k in tree.children[index] if tree.nodes[k].op in ("DataflowBlock", "ExitBlock")]
            self._doors[index] = meeting_places(blocks, {k: list(tree.flow[k].values()) for k in blocks}, self.step)
        entry = next((k for k in tree.children[index] if tree.nodes[k].op == "DataflowBlock"), -1)
        return self._follow(self._doors[index], entry, -1, given)

    def _follow(self, meets: dict[int, int], block: int, end: int, given: list[Any]) -> list[Any]:
        """Follows blocks up to ``end``, or the exit; gives the values that come there."""
        tree = self.tree
        while block != end:
            if block not in meets:
                raise Refused("HUGR-01", "a block leads to a node that is not a block beside it")
            if tree.nodes[block].op == "ExitBlock":
                break
            flow = tree.flow[block]
            ways = self._ways(self.region(block, given), len(flow))
            if any(k not in flow for _, k, _ in ways):
                raise Refused("HUGR-01", f"block {block} does not say where a way of it leads")
            if len(ways) == 1:
                _, k, given = ways[0]
                block = flow[k]
                continue
            meet = meets[block]
            given = self._part([(way, partial(self._follow, meets, flow[k], meet, values)) for way, k, values in ways])
            block = meet
        return given

    # -- qubits ------------------------------------------------------------------------------------------------------

    def always(self) -> bool:
        """Whether all shots are here."""
        return not self.builder.path

    def allocate(self) -> Qubit:
        """A qubit in |0>, one that was released before where there is one."""
        if self.released and self.always():
            handle = self.released.pop()
            self.builder.alloc((handle,))
            return Qubit(handle)
        handle = self.builder.name_qubits(f"q_{len(self.builder.vqs)}", None)[0]
        self.builder.alloc((handle,))
        return Qubit(handle)

    def release(self, qubit: str) -> None:
        """Frees a qubit; one that some shots only release stays until the end."""
        if self.always():
            self.builder.free((qubit,))
            self.released.append(qubit)

    def measure(self, qubit: str) -> lg.Bit:
        count = len(self.results)
        bit = self.results[count] = self.builder.measure(qubit, f"m_{count}")
        return bit
