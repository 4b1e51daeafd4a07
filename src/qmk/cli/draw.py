"""``qmk draw``: a circuit, an analog program, or what a device makes of one, as text or as a picture."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

import click

from qmk.cli import options, output, terminal
from qmk.cli.failure import Console, call_error

DRAWN_NODES = 1000


@click.command()
@options.program_options
@click.option(
    "--width",
    type=click.IntRange(20),
    metavar="N",
    help="Columns to fit (those of the terminal if not given); with --output pixels.",
)
@click.option("--all", "draw_all", is_flag=True, help=f"Draw programs of more than {DRAWN_NODES} nodes in full.")
@click.option("--ascii", "plain", is_flag=True, help="Use ASCII characters only.")
@options.device_option
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a picture: .svg, .html, .png or .pdf.",
)
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    width: int | None,
    draw_all: bool,
    plain: bool,
    device: str | None,
    path: str | None,
) -> None:
    """Draw PROGRAM as text, or with --output as a picture: a circuit with conditions and measured events at its gates,
    an analog program as its light over time and its atoms.

    With --device: when every op runs there, waits and moves included; a picture has the array, too.
    """
    from qmk.cli import source
    from qmk.request.pictures import draw

    loaded = source.load(program, format_name, params, console)
    if path is not None and not loaded.graph.nodes:
        raise call_error("the program has no ops to draw")
    pixels = width if path is not None else None
    drawn = draw(loaded.graph, device=device, width=pixels, max_nodes=None if draw_all else DRAWN_NODES)
    if path is not None:
        output.write_file(path, drawn.to(PurePath(path).suffix.removeprefix(".")))
        return
    output.lines(drawn.text(width or terminal.width(), plain or output.ascii_only()).splitlines())
