"""Columns of a drawing: each node stands as far to the left as its rows and the events that it reads allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from qmk.qvm.graph import Node


class Packing:
    """``columns`` are in use so far."""

    def __init__(self, n_rows: int) -> None:
        self.columns = 0
        self._free_from = [0] * max(n_rows, 1)
        self._written_at: dict[str, int] = {}
        self._floor = 0

    def place(
        self, node: Node, rows: Sequence[int], across: bool = False, fits: Callable[[int], bool] = lambda column: True
    ) -> int:
        """The column of the next node, which takes these rows; nothing comes before one that goes ``across`` all. A
        column that it does not fit is passed over."""
        column = max(
            [self._floor, *self._free(rows), *(self._written_at.get(event, -1) + 1 for event in reads_of(node))]
        )
        while not fits(column):
            column += 1
        self.columns = max(self.columns, column + 1)
        for row in rows:
            self._free_from[row] = column + 1
        for event in node.produces:
            self._written_at[event] = column
        if across:
            self._floor = self.columns
        return column

    def is_free(self, row: int) -> bool:
        """Whether nothing stands in the row so far."""
        return not self._free_from[row]

    def _free(self, rows: Iterable[int]) -> Iterable[int]:
        return (self._free_from[row] for row in rows)


def reads_of(node: Node) -> list[str]:
    """The events that a node acts on."""
    return [*node.inputs, *(node.guard.events() if node.guard else ())]


def rows_of(wires: Sequence[int], linked: bool) -> Sequence[int]:
    """The rows that a node on these wires takes: those between, too, if a line joins them."""
    return range(min(wires), max(wires) + 1) if linked and wires else wires
