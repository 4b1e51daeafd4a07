"""A circuit as text: one wire a qubit, time from left to right, wide circuits in several strips.

Nodes are packed to the left as far as their wires and the events they read allow, so the drawing also shows depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from qmk.circuit.packing import Packing, rows_of
from qmk.circuit.symbols import CONTROL, CROSS, END, OPEN_CONTROL, TARGET, Cell, cell
from qmk.qvm.graph import Graph, Node

ASCII = str.maketrans(
    {"─": "-", "│": "|", "┼": "+", CONTROL: "@", OPEN_CONTROL: "o", TARGET: "+", CROSS: "x", END: "|", "⟩": ">"}
    | {"→": ">", "†": "'", "√": "v", "π": "pi", "⊕": "^", "║": "|", "░": ":", "…": "..."}
)


def in_ascii(picture: Cell) -> Cell:
    """Translated before the layout, as some signs take more columns in ASCII."""
    texts = tuple((handle, text.translate(ASCII)) for handle, text in picture.texts)
    suffix = picture.suffix.translate(ASCII)
    return replace(picture, texts=texts, note=picture.note.translate(ASCII), events=suffix, condition="")


@dataclass
class _Column:
    """``texts`` by wire; ``links`` are spans (first wire, last wire) of vertical lines."""

    texts: dict[int, str] = field(default_factory=dict[int, str])
    links: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    across: str = ""

    @property
    def width(self) -> int:
        return max((len(text) for text in self.texts.values()), default=1)


def lines(graph: Graph, width: int = 100, ascii_only: bool = False, max_nodes: int | None = None) -> list[str]:
    """The diagram of ``graph`` as lines no wider than ``width`` unless one column alone is wider.

    With ``max_nodes`` only that many nodes are drawn and the last line says how many are left out.
    """
    nodes = graph.nodes if max_nodes is None else graph.nodes[:max_nodes]
    out = list(_strips(_Layout(graph, nodes, ascii_only), width))
    left_out = len(graph.nodes) - len(nodes)
    if left_out:
        out.append(f"… {left_out} more nodes; --all draws them")
    return [line.translate(ASCII) for line in out] if ascii_only else out


class _Layout:
    """Columns of a graph: ``names`` of the wires from top to bottom, ``live`` the columns where each has a state."""

    def __init__(self, graph: Graph, nodes: tuple[Node, ...], ascii_only: bool) -> None:
        used = dict.fromkeys(handle for node in graph.nodes for handle in node.vqs + node.chs)
        self.names = [name for name in (*graph.vqs, *graph.chs) if name in used]
        self.names += [name for name in used if name not in set(self.names)]
        drawn = [(node, in_ascii(cell(node)) if ascii_only else cell(node)) for node in nodes]
        self.classical = any(picture.note for _, picture in drawn)
        self.wire_of = {name: wire for wire, name in enumerate(self.names)}
        self.n_rows = len(self.names) + self.classical
        self.columns: list[_Column] = []
        self.live: list[list[tuple[int, int]]] = [[] for _ in self.names]
        self._packing = Packing(self.n_rows)
        for node, picture in drawn:
            self._place(node, picture)
        for spans in self.live:
            if spans and spans[-1][1] < 0:
                spans[-1] = (spans[-1][0], len(self.columns))

    def _place(self, node: Node, picture: Cell) -> None:
        wires = {self.wire_of[handle]: text for handle, text in picture.texts}
        if picture.texts and picture.suffix:
            wires[self.wire_of[picture.texts[-1][0]]] += picture.suffix
        if picture.note:
            wires[self.n_rows - 1] = picture.note
        rows = range(self.n_rows) if picture.across else rows_of(list(wires), picture.linked)
        column = self._packing.place(node, rows, bool(picture.across))
        while len(self.columns) <= column:
            self.columns.append(_Column())
        self._draw(self.columns[column], wires, picture)
        self._note_life(node, wires, column)

    def _draw(self, column: _Column, wires: dict[int, str], picture: Cell) -> None:
        column.texts.update(wires)
        if picture.across:
            column.across = picture.across
        elif picture.linked and len(wires) > 1:
            column.links.append((min(wires), max(wires)))

    def _note_life(self, node: Node, wires: dict[int, str], column: int) -> None:
        for wire in wires:
            if wire >= len(self.names):
                continue
            spans = self.live[wire]
            if not spans or spans[-1][1] >= 0:
                spans.append((column, -1))
            if node.op == "core.free":
                spans[-1] = (spans[-1][0], column)

    def is_live(self, wire: int, column: int, after: bool) -> bool:
        """Whether the wire is drawn in ``column``; with ``after``, in the gap that follows it."""
        return any(start <= column < end or (column == end and not after) for start, end in self.live[wire])


def _strips(layout: _Layout, width: int) -> Iterator[str]:
    labels = [*layout.names, *(["events"] if layout.classical else [])]
    margin = max((len(label) for label in labels), default=0) + 2
    start = 0
    while start < len(layout.columns):
        stop, used = start, margin
        while stop < len(layout.columns) and (stop == start or used + layout.columns[stop].width + 1 <= width):
            used += layout.columns[stop].width + 1
            stop += 1
        if start:
            yield ""
        yield from _strip(layout, labels, margin, range(start, stop))
        start = stop


def _strip(layout: _Layout, labels: list[str], margin: int, columns: range) -> Iterator[str]:
    for row, label in enumerate(labels):
        yield (f"{label}: ".ljust(margin) + _wire(layout, row, columns)).rstrip()
        if row + 1 < len(labels):
            between = _between(layout, row, columns)
            if between.strip():
                yield " " * margin + between.rstrip()


def _wire(layout: _Layout, row: int, columns: range) -> str:
    is_qubit = row < len(layout.names)
    parts: list[str] = []
    for index in columns:
        column = layout.columns[index]
        live = is_qubit and layout.is_live(row, index, after=False)
        text = column.texts.get(row, column.across)
        if not text and any(first < row < last for first, last in column.links):
            text = "┼" if live else "│"
        begins = is_qubit and any(first == index for first, _ in layout.live[row])
        fill = "─" if live and not begins else " "
        ends = is_qubit and any(last == index for _, last in layout.live[row])
        parts.append(
            text.rjust(column.width)
            if begins
            else text.ljust(column.width)
            if ends
            else text.center(column.width, fill)
        )
        parts.append("─" if is_qubit and layout.is_live(row, index, after=True) else " ")
    return "".join(parts)


def _between(layout: _Layout, row: int, columns: range) -> str:
    """The line under wire ``row``: vertical strokes where a node reaches further down."""
    parts: list[str] = []
    for index in columns:
        column = layout.columns[index]
        joined = any(first <= row < last for first, last in column.links)
        mark = "│" if joined else column.across or " "
        parts.append(mark.center(column.width) + " ")
    return "".join(parts)
