"""``qmk convert``: a program in another format."""

from __future__ import annotations

import sys
from typing import Any

import click

from qmk.cli import choices, options, output, source, terminal
from qmk.cli.failure import Console, call_error
from qmk.frontends import BINARY, TARGETS, write


@click.command()
@options.program_options
@click.option(
    "--to",
    "-t",
    "target",
    required=True,
    type=click.Choice(list(TARGETS)),
    metavar="FORMAT",
    help=f"Format to write: {', '.join(TARGETS)}.",
)
@click.option(
    "--rewrite",
    "passes",
    multiple=True,
    metavar="PASS",
    shell_complete=choices.passes,
    help="Rewrite it first; again for more passes.",
)
@click.option("--output", "-o", "output_path", type=click.Path(), help="File to write; standard output if not given.")
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    target: str,
    passes: tuple[str, ...],
    output_path: str | None,
) -> None:
    """Write PROGRAM in another format; what the format cannot express is refused, never dropped."""
    from qmk.formats.warnings import without_warnings
    from qmk.request.rewriting import rewrite

    loaded = source.load(program, format_name, params, console)
    data = write(rewrite(without_warnings(loaded.graph), passes).graph, target)
    if output_path is None or output_path == "-":
        if target in BINARY and sys.stdout.isatty():
            raise call_error("the binary form is not for a terminal; name a file with -o")
        if sys.stdout.isatty():
            terminal.say(data.decode().rstrip("\n"))
        else:
            sys.stdout.buffer.write(data)
        return
    output.write_file(output_path, data)
