"""``qmk qec plan``: a program of lattice surgery over its floor plan, with its supply of T states."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output

if TYPE_CHECKING:
    from qmk.models.qec.surgery import Program
    from qmk.models.qec.surgery.program import Span


@click.command(short_help="place lattice surgery on a floor plan in time")
@click.argument("program")
@click.option("--distance", "-d", type=click.IntRange(3), default=5, metavar="D", help="Code distance; 5 if not given.")
@click.option(
    "-o",
    "--output",
    "--svg",
    "path",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a picture: .svg, .html, .png or .pdf.",
)
@click.option(
    "--view",
    type=click.Choice(("slices", "3d")),
    default="slices",
    help="Of the picture: a floor plan for each stretch of time (slices), or blocks in space-time (3d).",
)
@click.option("--factory", default="15-to-1", metavar="NAME", help="What makes T states; 15-to-1 if not given.")
@click.option("--factories", type=click.IntRange(1), metavar="N", help="How many; unlimited T states if not given.")
@click.option("--error", type=click.FloatRange(0, 0.5), default=1e-3, metavar="P", help="Of physical T states; 1e-3.")
@click.option(
    "--clifford-error",
    type=click.FloatRange(0, 0.5),
    default=0.0,
    metavar="P",
    help="Of a logical operation of the factory; 0 if not given.",
)
@click.option(
    "--reaction", type=click.FloatRange(0), default=0.0, metavar="ROUNDS", help="Rounds to decode an outcome."
)
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Which attempts of factories fail.")
@options.json_option
@click.pass_context
def plan(
    ctx: click.Context,
    program: str,
    distance: int,
    path: str | None,
    view: str,
    factory: str,
    factories: int | None,
    error: float,
    clifford_error: float,
    reaction: float,
    seed: int,
    as_json: bool,
) -> None:
    """Say when each operation of PROGRAM runs, in code cycles of D rounds, and draw it.

    PROGRAM is a JSON file, or a name such as cnot_ZZ, product_ZZZ_Z or t_gates_5. With --factories, operations that
    need T states wait for them, in the picture too.
    """
    from qmk.models.qec.surgery import drawing, timeline
    from qmk.models.qec.surgery.floor import check_distance

    check_distance(distance)
    _check_supply(ctx, factories)
    loaded = _load(program)
    rows: dict[str, Any] = {
        "program": loaded.name,
        "distance": distance,
        "cycles": max((timed.end_cycle for timed in timeline(loaded)), default=0),
        "floor_qubits": loaded.floor.physical_qubits(distance),
    }
    spans, cycle = None, 1
    if factories is not None:
        told, spans = _with_factories(
            loaded, factory, factories, distance, error, clifford_error, reaction_rounds=reaction, seed=seed
        )
        rows, cycle = rows | told, distance
    if path is not None:
        picture = drawing.draw(loaded, view, spans, cycle)
        output.write_file(path, picture.to(PurePath(path).suffix.removeprefix(".")))
    lines = [f"{name.replace('_', ' ')}: {_text(value)}" for name, value in rows.items()]
    output.show(as_json, rows | {"operations": list(timeline(loaded))}, [*drawing.lines(loaded), *lines])


def _with_factories(
    program: Program, name: str, count: int, d: int, error: float, clifford_error: float, **schedule: Any
) -> tuple[dict[str, Any], tuple[Span, ...]]:
    from qmk.models.qec import magic

    built = magic.factory(name, error)
    run = magic.schedule(program, built, count, d, input_error=error, clifford_error=clifford_error, **schedule)
    told = {
        "factory": name,
        "factories": count,
        "factory_qubits": run.factory_qubits,
        "t_states": run.states,
        "clifford_error_per_operation": clifford_error,
        "t_error_per_state": built.output_error(error, clifford_error),
        "rounds": run.rounds,
        "stalled_rounds": run.stalled_rounds,
    }
    return told, run.spans


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _check_supply(ctx: click.Context, factories: int | None) -> None:
    """What says how factories work is refused where there are none."""
    from click.core import ParameterSource

    for name in ("factory", "error", "clifford_error", "reaction", "seed"):
        if factories is None and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is of factories, and there are none; add --factories N", ctx)


def _load(text: str) -> Program:
    import os

    from qmk.models import files
    from qmk.models.qec.surgery import Program, programs

    if not os.path.exists(text) and not text.endswith(".json"):
        return programs.program_named(text)
    return Program.from_json(files.read(text))
