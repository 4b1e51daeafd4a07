"""Estimates as tables in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qmk.cli import terminal
from qmk.cli.output import ascii_only
from qmk.models.estimate import rows

if TYPE_CHECKING:
    from rich.table import Table

    from qmk.models.estimate.estimate import Calibrated, Estimate
    from qmk.models.estimate.rows import Row

SHOWN_POINTS = 40
WIDE = 100
"""Columns from which a machine's name stands on one line, unless it is long."""
LONG = 34


def show(named: Sequence[tuple[str, Estimate]], beside: Calibrated | None) -> None:
    """One machine in full; several, or a frontier, a line each."""
    name, first = named[0]
    if len(named) > 1:
        short = terminal.width() >= WIDE and all(len(each) <= LONG for each, _ in named)
        mark = ", " if short else ",\n"
        lines = [rows.summary(each.replace(", ", mark), estimate, estimate.point) for each, estimate in named]
        _print(_lines(lines, "Comparison"))
    elif len(first.points) > 1:
        lines = [rows.summary(str(index + 1), first, point) for index, point in enumerate(first.points[:SHOWN_POINTS])]
        _print(_lines(lines, name, first="Point"))
        if len(first.points) > SHOWN_POINTS:
            terminal.say(f"{len(first.points) - SHOWN_POINTS} more; --json has them all")
    else:
        _print(_full(name, first, beside))
    for text in dict.fromkeys(warning for _, estimate in named for warning in estimate.warnings):
        terminal.say(f"note: {text}")


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    style = box.ASCII if ascii_only() else box.SIMPLE_HEAD
    return Table(title=title, box=style, title_justify="left", title_style="bold", pad_edge=False)


def _full(name: str, estimate: Estimate, beside: Calibrated | None) -> Table:
    from rich.text import Text

    table = _table(name)
    table.add_column("")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", style="dim", overflow="fold")
    table.show_header = False
    point = estimate.point
    groups: list[list[Row]] = [rows.space(point), rows.time(point), rows.errors(estimate, point), rows.states(point)]
    if beside is not None:
        groups.append(rows.measured_rows(beside))
    for group in groups:
        for row in group:
            table.add_row(Text(row.label), Text(row.value), Text(row.note), end_section=row is group[-1])
    return table


def _lines(lines: Sequence[tuple[str, ...]], title: str, first: str = rows.HEAD[0]) -> Table:
    from rich.text import Text

    table = _table(title)
    for index, name in enumerate((first, *rows.HEAD[1:])):
        head = name if terminal.width() >= WIDE else name.replace(" ", "\n")
        table.add_column(head, justify="left" if index == 0 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    console = Console(width=terminal.width(), highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        terminal.say(line.rstrip())
