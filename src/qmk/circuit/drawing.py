"""A circuit's drawing: text that a terminal and a notebook show as it is."""

from __future__ import annotations

import html
import shutil

from qmk.circuit import diagram
from qmk.qvm.graph import Graph

NOTEBOOK_COLUMNS = 120


class Drawing(str):
    """The lines of a drawing. Shown by itself, it is drawn."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f'<pre style="line-height: 1.15; white-space: pre; overflow-x: auto">{html.escape(self)}</pre>'


def draw(graph: Graph, width: int | None, ascii_only: bool) -> Drawing:
    """Draws the circuit at most ``width`` columns wide, the terminal's where None."""
    columns = shutil.get_terminal_size((NOTEBOOK_COLUMNS, 24)).columns if width is None else width
    lines = diagram.lines(graph, width=columns, ascii_only=ascii_only)
    return Drawing("\n".join(lines) or "(no operations)")
