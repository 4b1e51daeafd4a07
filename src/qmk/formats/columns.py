"""Tables as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from qmk.formats.printable import one_line

GAP = "  "
LAST = 20
"""Least columns of a table's last column, which is broken into lines where there is no room for it."""


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None, bold: Callable[[str], str] = str
) -> Iterator[str]:
    """Lines of left-aligned columns under a ``bold`` head. What does not fit ``width`` is broken in the last column;
    where there is no room for that, each cell of a row is a line."""
    cells = [[one_line(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    before = sum(widths[:-1]) + len(GAP) * (len(head) - 1)
    room = max(widths[-1], 1) if width is None else width - before
    if width is not None and room < min(LAST, widths[-1]):
        yield from _stack(cells[0], cells[1:], width, bold)
        return
    for number, row in enumerate(cells):
        last = textwrap.wrap(row[-1], room, break_on_hyphens=False) if len(row[-1]) > room else [row[-1]]
        first = GAP.join([*(text.ljust(width) for text, width in zip(row[:-1], widths[:-1], strict=True)), last[0]])
        for line in (first, *(" " * before + more for more in last[1:])):
            yield bold(line.rstrip()) if number == 0 else line.rstrip()


def _stack(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, bold: Callable[[str], str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        if number:
            yield ""
        for name, text in zip(head, row, strict=True):
            made = textwrap.wrap(f"{name}: {text}", width, subsequent_indent=GAP, break_on_hyphens=False)
            yield bold(f"{name}:") + made[0][len(name) + 1 :]
            yield from made[1:]
