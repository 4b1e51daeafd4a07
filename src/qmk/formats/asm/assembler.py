"""QVM assembly to graphs.

The macro stage feeds statements in order; this stage reads them, gives every node its id, settles the kinds of
operands once the whole program is known, and reports all faults in one answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from qmk.base.errors import invalid_graph
from qmk.base.limits import check
from qmk.formats.asm import statement
from qmk.formats.asm.directives import Header
from qmk.formats.asm.macros import Expander, IncludeFile, Item
from qmk.formats.asm.operands import Known, classify, outputs_kind
from qmk.formats.asm.source import NAME, Fault, Line
from qmk.formats.asm.statement import Instruction
from qmk.formats.expression_values import LIST_ITEMS, OperationError, Value, require_bounds
from qmk.formats.legacy import guarded_pauli
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node, collect


class Assembler:
    """Takes statements from the macro stage and makes the graph of them."""

    def __init__(self) -> None:
        self.header = Header()
        self.instructions: list[Instruction] = []
        self.labels: dict[str, Item] = {}

    def emit(self, item: Item, names: Mapping[str, Value]) -> None:
        if item.directive:
            self.header.take(item.directive, item.text, names)
            return
        instruction = statement.read(item.text, item.line, names)
        instruction.free_label = item.macro or instruction.label is None
        if instruction.label is not None and not item.macro:
            before = self.labels.setdefault(instruction.label, item)
            if before is not item:
                here = before.line is item.line
                by = "by an earlier round of the loop" if here else f"by line {before.line.number}"
                raise Fault("ASM-007", f"label '{instruction.label}' is taken {by}")
        self.instructions.append(instruction)
        check("expansion_nodes", len(self.instructions), "the program")

    def name_nodes(self) -> None:
        """Gives ids to statements without a label, and to those of macros whose label is taken."""
        taken = set(self.labels)
        for place, instruction in enumerate(self.instructions):
            if not instruction.free_label:
                continue
            base = f"n{place}" if instruction.label is None else instruction.label
            label, number = base, 2
            while label in taken:
                label, number = f"{base}__{number}", number + 1
            taken.add(label)
            instruction.label = label

    def certain_names(self) -> Known:
        """The names whose kind is certain before any operand is classified."""
        vqs = set(self.header.lists["vqs"] or ())
        events = set(self.header.lists["events"] or ())
        for row in self.instructions:
            kind = outputs_kind(OPS.get(row.op))
            for operand in row.outputs:
                (vqs if (operand.kind or kind) == "vqs" else events).add(operand.name)
            if kind == "vqs":
                vqs.update(operand.name for operand in row.operands if operand.kind in (None, "vqs"))
        return Known(vqs, events)

    def graph(self) -> Graph:
        self.name_nodes()
        known = self.certain_names()
        nodes = tuple([node(row, known) for row in self.instructions])
        lists = self.header.lists
        vqs, chs, events = collect(nodes)
        return Graph(
            version=self.header.version or "1.0",
            nodes=nodes,
            vqs=_declared_or_used(lists["vqs"], vqs),
            chs=_declared_or_used(lists["chs"], chs),
            events=_declared_or_used(lists["events"], events),
            caps=tuple(lists["caps"] or ()),
            families=tuple(lists["families"] or ()),
            outputs=None if self.header.outputs is None else tuple(self.header.outputs),
            shots=self.header.shots,
            metadata=self.header.metadata,
            inferred=self.header.inferred,
        )


def _declared_or_used(declared: list[str] | None, collected: tuple[str, ...]) -> tuple[str, ...]:
    return collected if declared is None else tuple(declared)


def node(row: Instruction, known: Known) -> Node:
    """Makes the node of an instruction, with its operands sorted by kind."""
    op = OPS.get(row.op)
    places: dict[str, list[str]] = {"vqs": [], "chs": [], "inputs": [], "produces": []}
    for operand, kind in zip(row.operands, classify(op, row.operands, known), strict=True):
        places[kind].append(operand.name)
    default = outputs_kind(op)
    for operand in row.outputs:
        kind = operand.kind or default
        places["produces" if kind == "inputs" else kind].append(operand.name)
    made = Node(
        row.label or "",
        row.op,
        row.args,
        tuple(places["vqs"]),
        tuple(places["chs"]),
        tuple(places["inputs"]),
        tuple(places["produces"]),
        row.caps,
        row.guard,
        row.metadata,
    )
    return guarded_pauli(made)


def _value(value: object) -> Value:
    """Converts ``value`` to one of an expression. Raises ``OperationError`` when that is impossible."""
    if isinstance(value, (bool, int, float, str)):
        return require_bounds(value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return require_bounds([_value(item) for item in items[: LIST_ITEMS + 1]])
    raise OperationError("is neither a number, a text nor a list of these")


def _params(params: Mapping[str, Any] | None) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for name, value in (params or {}).items():
        line = Line("", 0, 0, "")
        if not NAME.fullmatch(name):
            raise invalid_graph([Fault("ASM-010", f"'{name}' is not the name of a parameter").finding(line)])
        try:
            out[name] = _value(value)
        except OperationError as error:
            raise invalid_graph([Fault("ASM-010", f"parameter '{name}' {error}").finding(line)]) from None
    return out


def assemble(
    text: str, *, params: Mapping[str, Any] | None = None, file: str = "", include: IncludeFile | None = None
) -> Graph:
    """The graph of assembly ``text``.

    ``params`` set the program's ``.param`` values; ``include`` gives the text of an included file by its name and
    raises OSError, LookupError or ValueError for one it does not give. Raises INVALID_GRAPH with findings that have
    file, line and column, QUOTA_EXCEEDED when the program expands beyond a limit.
    """
    check("source_bytes", len(text), "the program")
    given = _params(params)
    assembler = Assembler()
    expander = Expander(given, include, assembler.emit)
    expander.run(text, file)
    words = set(re.findall(r"[A-Za-z_]\w*", text)) if given else set[str]()
    for name in given:
        if name not in words and name not in expander.declared:
            known = ", ".join(expander.declared) or "none"
            message = f"the program has no parameter '{name}'; it has: {known}"
            expander.findings.append(Fault("ASM-010", message).finding(Line(file, 0, 0, "")))
    if expander.findings:
        raise invalid_graph(expander.findings)
    return assembler.graph()
