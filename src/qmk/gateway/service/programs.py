"""What the process that draws makes of programs: their layers of lattice surgery, and their course on atoms."""

from __future__ import annotations

from typing import Any

import msgspec

from qmk.abi import shapes
from qmk.base.errors import QmkError
from qmk.drawing.scene import svg
from qmk.gateway.service.pictures import (
    MOST_LAYERS,
    Atom,
    AtomEvent,
    AtomPlace,
    Circuit,
    CircuitPiece,
    Course,
    FloorLayer,
    Layers,
    TimeMark,
)
from qmk.gateway.service.shapes import CutCircuit, DrawCourse, DrawLayers
from qmk.models.atoms import Profile
from qmk.models.atoms.on_device import device, timeline
from qmk.qvm.graph import Graph
from qmk.qvm.verify import verify
from qmk.request.program import to_graph
from qmk.rpc.graphs import source_of

WIDTH = 900.0
"""Pixels of the light of an analog program."""


def graph_of(program: shapes.Program) -> Graph:
    """The graph of a program. Raises what reading it raises, and INVALID_PARAMS where there is nothing in it."""
    graph = to_graph(source_of(program), program.format or None, program.params or None)
    if not graph.nodes:
        raise QmkError("INVALID_PARAMS", "the program has no ops to draw", field="program")
    return graph


def find_device(name: str) -> tuple[Profile, str]:
    """The device of a name that somebody sends, and its configuration. Raises INVALID_PARAMS for another, and for the
    path of a file: files here are none of theirs."""
    if ".json" in name:
        text, help = "the device is a file, which is not read here", "name a device, such as zoned"
        raise QmkError("INVALID_PARAMS", text, field="device", help=help)
    return device(name)


def make_layers(asked: DrawLayers) -> dict[str, Any]:
    """``Layers`` as data. Raises what writing the program for the machine, and drawing it, raise."""
    from qmk.models.qec.logical import place_program
    from qmk.models.qec.logical.floors import on_floor
    from qmk.models.qec.surgery import drawing
    from qmk.models.qec.surgery.program import timeline as times
    from qmk.models.qec.surgery.stretches import stretches

    placed = place_program(graph_of(asked.program), shapes.Qec(machine=asked.machine, noise=asked.noise))
    program = on_floor(placed.graph, placed.footprint.machine)
    rows = [FloorLayer(each.when, each.told, svg(each.picture)) for each in drawing.layers(program, MOST_LAYERS)]
    left_out = len(stretches(program)) - len(rows)
    made = Layers(
        footprint=placed.footprint,
        cycles=max((each.end_cycle for each in times(program)), default=0),
        layers=rows,
        left_out=left_out,
        space_time="" if left_out or not rows else drawing.space_time(program).to("svg").decode(),
    )
    return msgspec.to_builtins(made)


def make_course(asked: DrawCourse) -> dict[str, Any]:
    """``Course`` as data. Raises what reading the program, and putting it on the device, raise."""
    from qmk.models.atoms.drawing.acts import play, play_on_device
    from qmk.models.atoms.drawing.course import is_analog

    graph = graph_of(asked.program)
    if asked.device:
        profile, configuration = find_device(asked.device)
        found = play_on_device(timeline(graph, profile, configuration), profile, profile.name)
    elif is_analog(graph):
        if (error := verify(graph).error()) is not None:
            raise error
        found = play(graph, WIDTH)
    else:
        text = "the program has no evolutions, and no device is named that runs its gates"
        raise QmkError("UNSUPPORTED", text, help="name a device of atoms, such as zoned")
    made = Course(
        duration_us=found.duration_us,
        atoms=[Atom(name, *(round(each, 6) for each in place)) for name, place in found.atoms.items()],
        acts=[AtomEvent(*act[:4], list(act.atoms), [AtomPlace(*each) for each in act.to]) for act in found.acts],
        left_out=found.left_out,
        tracks=svg(found.tracks),
        width=found.tracks.width,
        axis=[TimeMark(*each) for each in found.knots],
    )
    return msgspec.to_builtins(made)


def cut_circuit(asked: CutCircuit, most: int) -> dict[str, Any]:
    """``Circuit`` as data. Raises what reading the program raises, UNSUPPORTED for one with evolutions."""
    from qmk.circuit.picture import pieces
    from qmk.models.atoms.drawing.course import is_analog

    graph = graph_of(asked.program)
    if is_analog(graph):
        raise QmkError(
            "UNSUPPORTED", "a program with evolutions is not a circuit", help="POST /v1/programs/draw draws it"
        )
    found = pieces(graph, max_nodes=most)
    made = Circuit(
        qubits=len(graph.vqs),
        operations=len(graph.nodes),
        left_out=max(0, len(graph.nodes) - most),
        names=CircuitPiece(found.names.width, svg(found.names)),
        height=found.names.height,
        pieces=[CircuitPiece(each.width, svg(each)) for each in found.pieces],
    )
    return msgspec.to_builtins(made)
