"""``qmk draw``: the circuit as text, or as a device runs it: its timeline and its array, as text or as a picture."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from qmk.cli import options, output, terminal
from qmk.cli.failure import Console, call_error

if TYPE_CHECKING:
    from qmk.drawing.scene import Scene
    from qmk.models.atoms.on_device import OnDevice
    from qmk.models.atoms.profile import Profile
    from qmk.qvm.graph import Graph

DRAWN_NODES = 1000


@click.command()
@options.program_options
@click.option("--width", type=click.IntRange(20), metavar="N", help="Columns to fit; the terminal's if not given.")
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
    """Draw PROGRAM's circuit as text: conditions and measured events stand at their gates. --output draws it as a
    picture.

    With --device: when every op runs there, waits and moves included; a picture has the array, too.
    """
    from qmk.circuit import diagram, picture
    from qmk.cli import source

    loaded = source.load(program, format_name, params, console)
    is_analog = any(node.op.startswith("analog.") for node in loaded.graph.nodes)
    if device is not None or (path is not None and is_analog):
        _on_device(loaded.graph, device, path, draw_all)
        return
    if path is not None:
        if not loaded.graph.nodes:
            raise call_error("the program has no ops to draw")
        drawn = picture.draw(loaded.graph, max_nodes=None if draw_all else DRAWN_NODES)
        _write(drawn.scene, path)
        return
    rows = diagram.lines(
        loaded.graph,
        width=width or terminal.width(),
        max_nodes=None if draw_all else DRAWN_NODES,
        ascii_only=plain or output.ascii_only(),
    )
    output.lines(rows or ["(no operations)"])


def _on_device(graph: Graph, name: str | None, path: str | None, draw_all: bool) -> None:
    from qmk.models.atoms import on_device

    profile, configuration = (None, "") if name is None else on_device.device(name)
    made = on_device.unit_times(graph) if profile is None else on_device.timeline(graph, profile, configuration)
    if path is not None:
        _picture(made, profile, path)
        return
    entries = made.timeline.timeline if draw_all else made.timeline.timeline[:DRAWN_NODES]
    rows = [(f"{row.start_us:g}", f"{row.duration_us:g}", row.op, " ".join(row.atoms)) for row in entries]
    output.lines(output.table(("start us", "us", "op", "atoms"), rows))
    left_out = len(made.timeline.timeline) - len(entries)
    if left_out:
        terminal.say(f"… {left_out} more rows; --all draws them")


def _picture(made: OnDevice, profile: Profile | None, path: str) -> None:
    from qmk.drawing.scene import stack
    from qmk.models.atoms import drawing

    if not made.timeline.timeline:
        raise call_error("the program has no ops to draw")
    length = f"{made.timeline.duration_us:.6g} us" if profile else "one unit of time for each op"
    scenes = [drawing.gantt(made.timeline, f"{made.timeline.device}: {length}")]
    if profile is not None and profile.geometry is not None:
        scenes.append(drawing.panels(made.graph, made.timeline, profile, f"the array of {profile.name}"))
    elif any(node.op == "analog.rydberg" for node in made.graph.nodes):
        scenes.append(drawing.evolutions(made.graph, "atoms and the reach of their blockade"))
    _write(stack(scenes), path)


def _write(scene: Scene, path: str) -> None:
    """Raises INVALID_PARAMS for a file whose name does not end as a picture's, or that cannot be written."""
    from qmk.drawing.raster import render

    output.write_file(path, render(scene, PurePath(path).suffix.removeprefix(".")))
