"""A circuit as a picture, in the notation of the field.

Controls are dots, exchanges are rings with a cross, everything else is a box. A measurement is a meter whose double
line ends on the line of its register, with the index of the bit. Conditions stand in words above their gates, which are
joined to the registers that they read. Wide circuits are folded into several strips of moments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qmk.circuit import diagram
from qmk.circuit.packing import Packing, reads_of, rows_of
from qmk.circuit.symbols import CONTROL, CROSS, OPEN_CONTROL, TARGET, Cell, cell, condition_text
from qmk.drawing.scene import INK, PALE, PAPER, Circle, Line, Mark, Path, Rect, Scene, Text, text_width
from qmk.drawing.shown import Picture
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

WIDTH = 960.0
"""Width in pixels that a picture is folded to."""
ROW, GAP, BOX, HEAD, STRIP = 40.0, 10.0, 26.0, 22.0, 26.0
"""Pixels between wires and between columns, of a box's height, above the first wire, and between strips."""
LONGEST, CONDITION = 18, 30
"""Most characters of a label and of a condition; the whole of them stands in the title of the box."""
SMALL = 9.0
PIECE = 240.0
METERS = frozenset({"core.mz", "core.mx", "core.my"})
FILLS = {"measure": "#f6dfa4", "noise": "#f3c4c0", "gate": "#cfe0f5", "other": "#d9e7d0"}
_ON_FILL = "#1b1b1b"
"""Ink of texts in boxes, which are pale on every page."""


class _Bit(NamedTuple):
    """Where an event is printed: the row of its register and its place there; ``name`` is that of both."""

    row: int
    place: int
    name: str


class _Placed(NamedTuple):
    node: Node
    cell: Cell
    wires: tuple[int, ...]


def draw(graph: Graph, width: float = WIDTH, max_nodes: int | None = None) -> Picture:
    """Draws the circuit, folded to ``width`` pixels unless one column alone is wider; with ``max_nodes`` only that many
    nodes, which the title tells."""
    return Picture(
        lambda: _scene(graph, width, max_nodes), lambda columns, plain: diagram.lines(graph, columns, plain, max_nodes)
    )


def _scene(graph: Graph, width: float, max_nodes: int | None) -> Scene:
    nodes = graph.nodes if max_nodes is None else graph.nodes[:max_nodes]
    layout = _Layout(graph, nodes)
    marks: list[Mark] = []
    y, widest = 0.0, 0.0
    for first, last in layout.strips(width):
        widest = max(widest, layout.draw_strip(marks, y, first, last))
        y += layout.height + STRIP
    left_out = len(graph.nodes) - len(nodes)
    title = f"circuit of {len(layout.names)} qubits, {len(graph.nodes)} operations"
    title += f", the first {len(nodes)} drawn" if left_out else ""
    return Scene(max(widest, 120.0), max(y - STRIP, ROW), title, tuple(marks))


class Pieces(NamedTuple):
    """A circuit cut into pieces of equal height, which follow each other without a gap; ``names`` of its rows."""

    names: Scene
    pieces: list[Scene]


def pieces(graph: Graph, width: float = PIECE, max_nodes: int | None = None) -> Pieces:
    """The circuit in pieces of ``width`` pixels or, where one column alone is wider, of that: whoever shows them folds
    them to any width without drawing anew."""
    layout = _Layout(graph, graph.nodes if max_nodes is None else graph.nodes[:max_nodes])
    rows = [*layout.names, *layout.registers]
    marks = [Text(layout.margin - 8, layout.y_at(row, 0) + 4, name, "end") for row, name in enumerate(rows)]
    names = Scene(math.ceil(layout.margin), layout.height, "names of the rows", tuple(marks))
    layout.margin = 0.0
    found: list[Scene] = []
    for first, last in layout.strips(width):
        drawn: list[Mark] = []
        layout.draw_strip(drawn, 0.0, first, last)
        kept = tuple(mark for mark in drawn if not (isinstance(mark, Text) and mark.x < 0))
        wide = sum(layout.widths[first:last])
        found.append(Scene(math.ceil(wide), layout.height, f"moments {first} to {last - 1}", kept))
    return Pieces(names, found)


class _Layout:
    """Rows: one a qubit or channel from the top, then one a classical register."""

    def __init__(self, graph: Graph, nodes: tuple[Node, ...]) -> None:
        used = dict.fromkeys(handle for node in graph.nodes for handle in node.vqs + node.chs)
        self.names = [name for name in dict.fromkeys((*graph.vqs, *graph.chs, *used)) if name in used]
        self.row_of = {name: row for row, name in enumerate(self.names)}
        self.registers: list[str] = []
        self.bits: dict[str, _Bit] = {}
        self._name_registers(graph)
        self.n_rows = len(self.names) + len(self.registers)
        self.height = HEAD + ROW * self.n_rows
        self.ends: list[int | None] = [None] * len(self.names)
        self.columns: list[list[_Placed]] = []
        packing = Packing(self.n_rows)
        for node in nodes:
            self._place(node, packing)
        self.ends = [None if end is not None and end >= len(self.columns) else end for end in self.ends]
        self.widths = [max(map(_width_of, column), default=0.0) + GAP for column in self.columns]
        labels = [*self.names, *self.registers]
        self.margin = max((text_width(label) for label in labels), default=0.0) + 14

    def _name_registers(self, graph: Graph) -> None:
        for output in reversed(graph.outputs or ()):
            self._add_register(output.name, output.bits[::-1] if output.descending else output.bits)
        written = dict.fromkeys(event for node in graph.nodes for event in node.produces)
        rest = [event for event in written if event not in self.bits]
        if rest:
            self._add_register("", rest)
        self.called = {event: bit.name for event, bit in self.bits.items()}

    def _add_register(self, name: str, events: Sequence[str | None]) -> None:
        """A row for a register; the bits of one without a name are called as their events are."""
        row = len(self.names) + len(self.registers)
        self.registers.append(f"{name or 'bits'} [{len(events)}]")
        for at, event in enumerate(events):
            if event is not None:
                self.bits[event] = _Bit(row, at, event if not name else name if len(events) == 1 else f"{name}[{at}]")

    def _place(self, node: Node, packing: Packing) -> None:
        picture = cell(node)
        wires = tuple(self.row_of[handle] for handle in node.vqs + node.chs)
        if node.op == "core.alloc" and all(packing.is_free(row) for row in wires):
            return  # a wire begins as |0>
        across = bool(picture.across)
        rows = range(len(self.names)) if across else rows_of(wires, picture.linked)
        if not wires and not across:
            rows = sorted({self.bits[event].row for event in node.produces if event in self.bits})
        column = packing.place(node, rows, across, lambda at: self._joins_apart(node, at))
        if node.op == "core.free":
            for row in wires:
                self.ends[row] = column
            return
        while len(self.columns) <= column:
            self.columns.append([])
        for row in wires:
            if node.op == "core.alloc":
                self.ends[row] = None
        self.columns[column].append(_Placed(node, picture, wires))

    def _joins_apart(self, node: Node, column: int) -> bool:
        """Whether no line to a register that the node writes would lie on one from a register that another reads."""
        there = [placed.node for placed in self.columns[column]] if column < len(self.columns) else []
        if reads_of(node):
            return not any(reads_of(other) or other.produces for other in there)
        return not (node.produces and any(map(reads_of, there)))

    def strips(self, width: float) -> Iterator[tuple[int, int]]:
        """The first column of each strip and the one behind its last."""
        first = 0
        while first < max(len(self.columns), 1):
            last, used = first, self.margin
            while last < len(self.columns) and (last == first or used + self.widths[last] <= width):
                used += self.widths[last]
                last += 1
            yield first, max(last, first + 1)
            first = max(last, first + 1)

    def draw_strip(self, marks: list[Mark], y: float, first: int, last: int) -> float:
        """Adds one strip, and gives its width."""
        columns = self.columns[first:last]
        widths = self.widths[first:last]
        end = self.margin + sum(widths) + 8
        self._draw_wires(marks, y, first, last, end)
        centres: list[float] = []
        x = self.margin
        for width in widths:
            centres.append(x + width / 2)
            x += width
        for column, centre in zip(columns, centres, strict=True):  # lines first, so that boxes stand on them
            for placed in column:
                marks += self._links(placed, centre, y)
        for at, (column, centre) in enumerate(zip(columns, centres, strict=True)):
            if (first + at) % 5 == 0:
                marks.append(Text(centre, y + SMALL, str(first + at), "middle", SMALL, fill=PALE))
            for placed in column:
                marks += self._signs(placed, centre, y)
            marks += self._indices(column, centre, y)
        return end

    def y_at(self, row: int, top: float) -> float:
        """Where the line of a row is, in a strip that begins at ``top``."""
        return top + HEAD + ROW * (row + 0.5)

    def _draw_wires(self, marks: list[Mark], top: float, first: int, last: int, end: float) -> None:
        for row, name in enumerate(self.names):
            y = self.y_at(row, top)
            marks.append(Text(self.margin - 8, y + 4, name, "end"))
            ends = self.ends[row]
            stop = end
            if ends is not None and ends < last:
                if ends < first:
                    continue
                stop = self.margin + sum(self.widths[first : ends + 1]) - GAP
                marks.append(Line(stop, y - 6, stop, y + 6))
            marks.append(Line(self.margin, y, stop, y))
        for at, name in enumerate(self.registers):
            y = self.y_at(len(self.names) + at, top)
            marks.append(Text(self.margin - 8, y + 4, name, "end"))
            marks += [Line(self.margin, y + side, end, y + side, PALE) for side in (-1.5, 1.5)]

    def _links(self, placed: _Placed, x: float, top: float) -> Iterator[Mark]:
        """What joins the parts of a node: its wires, the registers that it writes, and those that it reads."""
        node, picture, wires = placed
        if picture.across:
            for side in (-2.0, 2.0):
                yield Line(
                    x + side, self.y_at(0, top) - 14, x + side, self.y_at(len(self.names) - 1, top) + 14, INK, 1.5
                )
            return
        if not picture.linked:
            rows = wires or tuple(range(len(self.names)))
            for row in rows:
                y = self.y_at(row, top)
                yield Path(((x, y - ROW / 2), (x, y + ROW / 2)), PALE, 2.0, dashed=True)
            return
        if len(wires) > 1:
            yield Line(x, self.y_at(min(wires), top), x, self.y_at(max(wires), top))
        below = self.y_at(max(wires), top) if wires else None
        for event in node.produces:
            bit = self.bits.get(event)
            if bit is not None and below is not None:
                y = self.y_at(bit.row, top)
                yield Line(x - 1.5, below, x - 1.5, y - 7, PALE)
                yield Line(x + 1.5, below, x + 1.5, y - 7, PALE)
                yield Line(x, y - 7, x, y - 1, INK, arrow=True)
        for event in reads_of(node):
            bit = self.bits.get(event)
            if bit is not None and below is not None:
                y = self.y_at(bit.row, top)
                yield Path(((x, below), (x, y)), PALE, 1.0, dashed=True)
                yield Circle(x, y, 3, INK)

    def _signs(self, placed: _Placed, x: float, top: float) -> Iterator[Mark]:
        node, picture, wires = placed
        title = describe(node)
        if picture.across or not picture.linked:
            return
        if not wires:
            rows = sorted({self.bits[event].row for event in node.produces if event in self.bits})
            yield from _box(
                _clip(picture.note), x, self.y_at(rows[0] if rows else self.n_rows - 1, top), title, "other"
            )
            return
        if picture.condition:
            text = _clip(condition_text(node, self.called), CONDITION)
            yield Text(x, self.y_at(min(wires), top) - BOX / 2 - 3, text, "middle", SMALL)
        labels: set[str] = set()
        dot = title if all(text in (CONTROL, OPEN_CONTROL) for _, text in picture.texts) else ""
        for row, (_, text) in zip(wires, picture.texts, strict=True):
            y = self.y_at(row, top)
            if text == CONTROL:
                yield Circle(x, y, 4, INK, title=dot)
            elif text == OPEN_CONTROL:
                yield Circle(x, y, 4, PAPER, INK, title=dot)
            elif text == TARGET:
                yield Circle(x, y, 9, PAPER, INK, title=title)
                yield Path(((x - 9, y), (x + 9, y), (x, y), (x, y - 9), (x, y + 9)))
            elif text == CROSS:
                yield Path(((x - 5, y - 5), (x + 5, y + 5), (x, y), (x - 5, y + 5), (x + 5, y - 5)), INK, 1.5)
            elif node.op in METERS:
                yield from _meter(text.removeprefix("M").upper(), x, y, title)
            elif text in labels:  # another terminal of the same gate: its label stands once
                yield Rect(x - 6, y - 6, 12, 12, FILLS[_fill_of(node)], INK, title)
            else:
                labels.add(text)
                yield from _box(_clip(text), x, y, title, _fill_of(node))

    def _indices(self, column: Sequence[_Placed], x: float, top: float) -> Iterator[Mark]:
        """The indices of the bits that a column writes, under the line of each register."""
        written: dict[int, list[int]] = {}
        for placed in column:
            for event in placed.node.produces if placed.wires else ():
                bit = self.bits[event]
                written.setdefault(bit.row, []).append(bit.place)
        for row, indices in written.items():
            yield Text(x + 5, self.y_at(row, top) + 13, _clip(",".join(map(str, sorted(indices))), 12), size=SMALL)


def describe(node: Node) -> str:
    """The whole of a node in words: its op, arguments, operands, what it writes and its condition."""
    args = ", ".join(f"{name}={value}" for name, value in node.args.items())
    text = node.op.removeprefix("core.") + (f"({args[:200]})" if args else "")
    text += " " + ", ".join(node.vqs + node.chs) if node.vqs or node.chs else ""
    text += f" -> {', '.join(node.produces)}" if node.produces else ""
    condition = condition_text(node)
    return text + (f" {condition}" if condition else "")


def _clip(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _width_of(placed: _Placed) -> float:
    texts = [_clip(text) for _, text in placed.cell.texts] or [_clip(placed.cell.note)]
    boxes = [text_width(text) + 12 for text in texts if text not in (CONTROL, OPEN_CONTROL, TARGET, CROSS)]
    condition = text_width(_clip(placed.cell.condition, CONDITION), SMALL)
    return max([26.0, condition, *boxes])


def _fill_of(node: Node) -> str:
    op = OPS.get(node.op)
    op_class = op.op_class if op else ""
    if op_class in ("measure", "noise"):
        return op_class
    return "gate" if node.op.startswith("core.") and op_class != "reset" else "other"


def _box(text: str, x: float, y: float, title: str, fill: str) -> Iterator[Mark]:
    width = max(BOX, text_width(text) + 10)
    yield Rect(x - width / 2, y - BOX / 2, width, BOX, FILLS[fill], INK, title)
    yield Text(x, y + 4, text, "middle", fill=_ON_FILL)


def _meter(basis: str, x: float, y: float, title: str) -> Iterator[Mark]:
    yield Rect(x - BOX / 2, y - BOX / 2, BOX, BOX, FILLS["measure"], INK, title)
    bow = tuple((x - 8 * math.cos(step * math.pi / 6), y + 5 - 8 * math.sin(step * math.pi / 6)) for step in range(7))
    yield Path(bow, _ON_FILL)
    yield Path(((x, y + 5), (x + 6, y - 6)), _ON_FILL)
    if basis:
        yield Text(x - BOX / 2 + 2, y - BOX / 2 + 9, basis, size=8, fill=_ON_FILL)
