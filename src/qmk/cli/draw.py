"""``qmk draw``: the circuit as text."""

from __future__ import annotations

from typing import Any

import click

from qmk.cli import options
from qmk.cli.failure import Console

DRAWN_NODES = 1000


@click.command()
@options.program_options
@click.option("--width", type=click.IntRange(20), metavar="N", help="Columns to fit; the terminal's if not given.")
@click.option("--all", "draw_all", is_flag=True, help=f"Draw programs of more than {DRAWN_NODES} nodes in full.")
@click.option("--ascii", "plain", is_flag=True, help="Use ASCII characters only.")
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: tuple[tuple[str, Any], ...],
    width: int | None,
    draw_all: bool,
    plain: bool,
) -> None:
    """Draw PROGRAM's circuit as text: conditions and measured events stand at their gates."""
    from qmk.cli import diagram, output, source
    from qmk.cli.failure import terminal_width

    loaded = source.load(program, format_name, options.collect_params(params), console)
    rows = diagram.lines(
        loaded.graph,
        width=width or terminal_width(),
        max_nodes=None if draw_all else DRAWN_NODES,
        ascii_only=plain or output.ascii_only(),
    )
    output.lines(rows or ["(no operations)"])
