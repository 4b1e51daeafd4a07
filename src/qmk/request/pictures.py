"""``qmk.draw`` draws any program: a circuit, an analog program, or what a device makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmk.base.errors import QmkError
from qmk.drawing.scene import Scene, stack
from qmk.drawing.shown import Picture
from qmk.formats.columns import table
from qmk.qvm.verify import verify
from qmk.request import arguments
from qmk.request.devices import device_of
from qmk.request.program import ProgramLike, circuit_of, to_graph

if TYPE_CHECKING:
    from qmk.models.atoms import Profile
    from qmk.models.atoms.on_device import OnDevice

LEAST_WIDTH, MOST_WIDTH = 200, 20_000
"""Bounds of a picture's width in pixels."""


def draw(
    program: ProgramLike,
    *,
    device: str | Profile | None = None,
    width: float | None = None,
    max_nodes: int | None = None,
    format: str | None = None,
    params: Mapping[Any, Any] | None = None,
) -> Picture:
    """The program as a picture: a notebook shows it, ``save("a.svg")`` writes it, as .svg, .html, .png or .pdf, and
    ``print`` or ``text()`` give it as text.

    A program with evolutions of atoms is drawn as its light over time and its atoms in the plane, any other as a
    circuit. With ``device`` (as ``qmk.on_device`` takes it) a program of gates is drawn as the timeline and the array
    of that device. ``width``: pixels to fit, such as 360 for a phone; 960 for circuits, 680 for analog programs, as
    wide as it has to be for timelines. ``max_nodes``: draw no more of a circuit, or of a timeline as text. Parameters
    of a ``Circuit`` that ``params`` gives no value stand there by name. Raises
    ``QmkError``: INVALID_PARAMS; INVALID_GRAPH for an analog program that is wrong, or with every rule of the device
    that a program breaks.
    """
    from qmk.circuit import picture
    from qmk.models.atoms import drawing, on_device

    if width is not None:
        found = arguments.number_between("width", width, LEAST_WIDTH - 1, MOST_WIDTH + 1)
        if found is None:
            what = f"a number of pixels, {LEAST_WIDTH} to {MOST_WIDTH}"
            raise arguments.refuse("width", width, what, "give such as 680, or 360 for a phone")
        width = found
    if max_nodes is not None:
        max_nodes = arguments.whole("max_nodes", max_nodes, 1)
    chosen = None if device is None else device_of(device)
    circuit = circuit_of(program)
    if circuit is not None and chosen is None and format is None:
        circuit = circuit.bind(params or {})
        if circuit.parameters:
            return circuit.picture(width=width, max_nodes=max_nodes)
    graph = to_graph(program, format, params)
    if chosen is not None:
        profile, configuration = chosen
        made = on_device.timeline(graph, profile, configuration)
        if not made.timeline.timeline:
            raise QmkError("INVALID_PARAMS", "the program has no ops to draw", field="program")
        return Picture(
            lambda: _scene(made, profile, width), lambda columns, plain: _rows(made, max_nodes, columns, plain)
        )
    if drawing.is_analog(graph):
        error = verify(graph).error()
        if error is not None:
            raise error
        return Picture(
            lambda: drawing.draw(graph, width=width), lambda columns, plain: drawing.lines(graph, columns, plain)
        )
    return picture.draw(graph, width or picture.WIDTH, max_nodes)


def _scene(made: OnDevice, profile: Profile, width: float | None) -> Scene:
    from qmk.models.atoms import drawing

    title = f"{profile.name}: {made.timeline.duration_us:.6g} us"
    if profile.geometry is None:
        return drawing.draw(made.graph, title, width)
    array = drawing.panels(made.graph, made.timeline, profile, f"the array of {profile.name}", width)
    return stack([drawing.gantt(made.timeline, title, width), array])


def _rows(made: OnDevice, most: int | None, width: int, ascii_only: bool) -> list[str]:
    """The timeline as a table."""
    entries = made.timeline.timeline[:most]
    rows = [(f"{row.start_us:g}", f"{row.duration_us:g}", row.op, " ".join(row.atoms)) for row in entries]
    left_out = len(made.timeline.timeline) - len(entries)
    more = [f"{'...' if ascii_only else '…'} {left_out} more rows; --all draws them"] if left_out else []
    return [*table(("start us", "us", "op", "atoms"), rows, width), *more]
