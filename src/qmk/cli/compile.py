"""``qmk compile``: a program in the gates of a target, with a table of what it gained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from qmk.cli import options, output, source
from qmk.cli.failure import Console, call_error

SUFFIXES = {".qasm": "qasm3", ".json": "json", ".qvm": "asm", ".qvmb": "binary", ".quil": "quil", ".ll": "qir"}
"""Formats of ``--output`` by the end of the file's name."""

OBJECTIVES = ("gates", "depth", "qubits", "t-count", "error")
_ROWS = {
    "two_qubit_gates": "gates on two qubits",
    "two_qubit_depth": "depth in gates on two qubits",
    "gates": "gates",
    "depth": "depth",
    "t_count": "T gates",
    "t_depth": "T depth",
    "rotations": "other rotations",
    "qubits": "qubits",
    "predicted_error": "predicted error",
    "time_us": "time, us",
    "predicted_fidelity": "predicted fidelity",
    "moves": "moves of atoms",
    "rides": "moves at different times",
}


@click.command()
@options.program_options
@click.option(
    "--target",
    "-T",
    required=True,
    metavar="T",
    help="line:N, grid:RxC, heavy-hex:127, all:N, clifford+t, a device of atoms, or a JSON file.",
)
@click.option("--gates", default="", metavar="G,G", help="The target's gates, such as cz,rz,sx,x.")
@click.option(
    "-O",
    "level",
    type=click.IntRange(0, 3),
    default=2,
    show_default=True,
    metavar="LEVEL",
    help="0 only writes the target's gates; 1 to 3 take more time for fewer.",
)
@click.option(
    "--optimize",
    type=click.Choice(OBJECTIVES),
    help="What counts; if not given, t-count for clifford+t and gates for others.",
)
@click.option(
    "--synthesis-error",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="E",
    help="For clifford+t: bound of what all rotations together are off by; 1e-10 if they are few.",
)
@click.option(
    "--ancillae/--no-ancillae",
    default=None,
    help="For clifford+t: whether qubits and measurements may be added where they save T gates. They may.",
)
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of every random choice; 0 if not given.")
@click.option(
    "-o",
    "--output",
    "output_path",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help=f"File to write; its name ends with {', '.join(SUFFIXES)}.",
)
@options.json_option
@click.pass_obj
def command(
    console: Console,
    program: str,
    format_name: str | None,
    params: dict[str, Any],
    target: str,
    gates: str,
    level: int,
    optimize: str | None,
    synthesis_error: float | None,
    ancillae: bool | None,
    seed: int,
    output_path: str | None,
    as_json: bool,
) -> None:
    """Write PROGRAM in the gates of a target, with as few on two qubits as are found, and say what that gained."""
    from qmk.formats.warnings import without_warnings
    from qmk.frontends import write
    from qmk.request.compiling import compile

    written = _format(output_path)
    loaded = source.load(program, format_name, params, console)
    graph = without_warnings(loaded.graph)
    names = tuple(filter(None, (name.strip() for name in gates.split(","))))
    made = compile(
        graph,
        target,
        gates=names,
        level=level,
        optimize=optimize,
        seed=seed,
        synthesis_error=synthesis_error,
        ancillae=ancillae,
    )
    if output_path is None and "time_us" in made.report["after"]:
        written = "json"  # OpenQASM has no moves
    data = write(made.program, written)
    if output_path is not None:
        output.write_file(output_path, data)
    if as_json:
        text = data.decode() if output_path is None else None
        output.json_object({"report": made.report, "program": text, "output": output_path})
        return
    output.lines(_text(made.report))
    if output_path is None:
        output.lines(data.decode().rstrip("\n").split("\n"))


def _format(path: str | None) -> str:
    if path is None:
        return "qasm3"
    for suffix, name in SUFFIXES.items():
        if path.endswith(suffix):
            return name
    raise call_error(
        f"'{path}' has no ending that names a format", path=path, help=f"end it with one of {', '.join(SUFFIXES)}"
    )


def _text(report: dict[str, Any]) -> Iterator[str]:
    def text_of(value: float) -> str:
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    before, after = report["before"], report["after"]
    yield from output.table(
        ("", "before", "after"),
        [(name, text_of(before[key]), text_of(after[key])) for key, name in _ROWS.items() if key in after],
    )
    yield ""
    kept = [row for row in report["passes"] if row["kept"]]
    yield from output.table(
        ("pass", "gates on two qubits", "CPU ms"),
        [(row["name"], text_of(row["two_qubit_gates"]), f"{row['seconds'] * 1000:.1f}") for row in kept],
    )
