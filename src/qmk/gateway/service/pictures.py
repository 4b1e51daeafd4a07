"""Pictures with parts: the floor of a program on logical qubits by layer, and the course of a program for atoms."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.gateway.callers import Caller
from qmk.gateway.service.handlers import ask_drawer
from qmk.gateway.service.shapes import CutCircuit, DrawCourse, DrawLayers, Picture

MOST_LAYERS = 200


class FloorLayer(Struct, frozen=True):
    """The floor between two events."""

    when: Annotated[str, Meta(description="code cycles, such as `cycles 3 to 5`")]
    told: Annotated[list[str], Meta(description="what happens, in words")]
    svg: Annotated[str, Meta(description="the floor plan")]


class Layers(Struct, frozen=True, kw_only=True):
    """A program as lattice surgery, one floor plan for each stretch of time without an event."""

    footprint: shapes.Footprint
    cycles: Annotated[int, Meta(description="code cycles on the floor that is drawn; the footprint's are counted")]
    layers: Annotated[list[FloorLayer], Meta(description=f"the first {MOST_LAYERS}")]
    left_out: Annotated[int, Meta(description="layers beyond these")]
    space_time: Annotated[str, Meta(description="all of them in one diagram, as SVG; empty where some are left out")]


class AtomPlace(Struct, frozen=True):
    """A place in the plane of the atoms."""

    x_um: float
    y_um: float


class Atom(Struct, frozen=True):
    """An atom, where it is at first."""

    name: str
    x_um: float
    y_um: float


class AtomEvent(Struct, frozen=True):
    """Something that happens to atoms."""

    start_us: float
    end_us: float
    kind: Annotated[str, Meta(description="drive, gate, measure, move or reset")]
    told: Annotated[str, Meta(description="in words")]
    atoms: list[str]
    to: Annotated[list[AtomPlace], Meta(description="where its atoms go, if they move")] = []


class TimeMark(Struct, frozen=True):
    """A time, and where it stands in the picture."""

    us: float
    px: float


class Course(Struct, frozen=True, kw_only=True):
    """A program for atoms as it can be played."""

    duration_us: float
    atoms: list[Atom]
    acts: Annotated[list[AtomEvent], Meta(description="in the order of their times")]
    left_out: Annotated[int, Meta(description="acts beyond the bound")]
    tracks: Annotated[str, Meta(description="light, or ops of each atom, over time, as SVG")]
    width: Annotated[float, Meta(description="pixels of `tracks`")]
    axis: Annotated[list[TimeMark], Meta(description="the axis of time in `tracks`, even between two of these")]


class CircuitPiece(Struct, frozen=True):
    width: Annotated[float, Meta(description="pixels")]
    svg: str


class Circuit(Struct, frozen=True, kw_only=True):
    """A circuit in pieces of equal height that follow each other, so that a page can fold it to any width."""

    qubits: int
    operations: int
    left_out: Annotated[int, Meta(description="operations that are not drawn")]
    names: Annotated[CircuitPiece, Meta(description="of the rows, to stand on the left of each line")]
    height: Annotated[float, Meta(description="pixels of every piece")]
    pieces: list[CircuitPiece]


async def draw_layers(caller: Caller, asked: DrawLayers) -> Layers:
    """Raises what writing the program for the machine, and drawing it, raise."""
    return msgspec.convert(await ask_drawer(caller, Picture(layers=asked)), Layers)


async def draw_course(caller: Caller, asked: DrawCourse) -> Course:
    """Raises what reading the program, and putting it on the device, raise."""
    return msgspec.convert(await ask_drawer(caller, Picture(course=asked)), Course)


async def draw_circuit(caller: Caller, asked: CutCircuit) -> Circuit:
    """Raises what reading the program raises, UNSUPPORTED for one with evolutions."""
    return msgspec.convert(await ask_drawer(caller, Picture(circuit=asked)), Circuit)
