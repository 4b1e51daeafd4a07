"""What a job's program does on its machine: logical patches by layer, and atoms over time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from litestar import Response

from qmk.abi import shapes as abi
from qmk.base.errors import QmkError
from qmk.drawing import axes
from qmk.drawing.axes import Axis
from qmk.gateway.console import kept
from qmk.gateway.console.files import job_of, pictures_of
from qmk.gateway.console.render import compress, picture
from qmk.gateway.console.view import View, page
from qmk.gateway.http import answer
from qmk.gateway.service.pictures import AtomEvent, Circuit, Course, Layers
from qmk.models.atoms.profile import profiles

PLANE, HIGHEST = 560.0, 360.0
"""Most pixels of the plane of the atoms, across and up."""
MARGIN, LABELS = 18.0, 34.0
"""Pixels around the atoms, and of the labels of the axes."""


async def program_of(view: View) -> tuple[kept.Program, abi.Program]:
    """The program of the job of the address, as it is known and as it is sent. Raises JOB_NOT_FOUND."""
    await view.ask("jobs.get", job_id=job_of(view))
    found = await kept.program_of_job(view, job_of(view))
    params = found.params_of(job_of(view))
    return found, abi.Program(format=found.format, text=found.text, params=params)


def number(view: View, name: str, most: int) -> int:
    """A whole number of the address, brought within 0 and ``most``."""
    text = view.read(name, "0")
    return max(0, min(int(text) if text.isdecimal() and len(text) < 9 else 0, most))


@page("/jobs/{job:str}/circuit.json")
async def cut_circuit(view: View) -> Response[Any]:
    """The circuit in pieces, for the script that folds and moves it."""
    _, text = await program_of(view)
    found = await pictures_of(view).ask(view, "programs.circuit", Circuit, program=text)
    made = answer(found)
    made.headers["Cache-Control"] = "private, max-age=86400"
    return compress(made, view.request)


async def layers_of(view: View) -> Layers:
    """The layers of the job's program. Raises UNSUPPORTED for one that was sent to ideal qubits."""
    program, text = await program_of(view)
    if not program.machine:
        raise QmkError("UNSUPPORTED", "this job runs on ideal qubits, which have no patches")
    asked = {"program": text, "machine": program.machine, "noise": program.noise}
    return await pictures_of(view).ask(view, "programs.layers", Layers, **asked)


@page("/jobs/{job:str}/layers")
async def show_layers(view: View) -> Response[Any]:
    """The floor of logical patches, one layer of time after the other."""
    found = await layers_of(view)
    at = number(view, "at", len(found.layers) - 1)
    result, _ = await view.ask_part("jobs.result", job_id=job_of(view), partial=True)
    taken = result.provenance.footprint if result else None  # the daemon's knows the decoder
    return view.page("layers.html", job=job_of(view), found=found, at=at, footprint=taken or found.footprint)


@page("/jobs/{job:str}/layers/{at:int}")
async def draw_layer(view: View) -> Response[Any]:
    """The floor plan of one layer."""
    found, at = await layers_of(view), int(view.request.path_params["at"])
    if not 0 <= at < len(found.layers):
        raise QmkError("INVALID_PARAMS", f"there is no layer {at}; there are {len(found.layers)}", field="at")
    return picture(found.layers[at].svg.encode(), lasting=True)


@page("/jobs/{job:str}/space-time.svg")
async def draw_space_time(view: View) -> Response[Any]:
    """All layers as blocks in space and time."""
    found = await layers_of(view)
    if not found.space_time:
        raise QmkError("UNSUPPORTED", "the program is too long for one diagram", help="look at its layers")
    return picture(found.space_time.encode(), lasting=True)


class Plane(NamedTuple):
    """The plane of the atoms in pixels. ``across`` and ``up``: ticks, each with its label in um; ``atoms``: name, place
    and number; ``radius`` of their discs."""

    width: float
    height: float
    x: Axis
    y: Axis
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    atoms: list[tuple[str, float, float, int]]
    radius: float

    def goals(self, event: AtomEvent) -> list[list[float]]:
        """Where the atoms of an event go, in pixels."""
        return [[round(self.x.at(each.x_um), 1), round(self.y.at(each.y_um), 1)] for each in event.to]


def plane_of(course: Course) -> Plane:
    """Equal scales across and up, with room for every place where an atom goes."""
    places = [(each.x_um, each.y_um) for each in course.atoms]
    places += [(each.x_um, each.y_um) for event in course.acts for each in event.to]
    (left, right), (low, high) = ((min(row), max(row)) for row in zip(*places, strict=True))
    room = PLANE - LABELS - 2 * MARGIN, HIGHEST - 2 * MARGIN - 20
    scale = min(room[0] / max(right - left, 1e-9), room[1] / max(high - low, 1e-9), 40.0)
    pad = MARGIN / scale
    width, height = (right - left + 2 * pad) * scale, (high - low + 2 * pad) * scale
    x = Axis(left - pad, right + pad, LABELS, LABELS + width)
    y = Axis(low - pad, high + pad, height, 0.0)
    atoms = [
        (each.name, round(x.at(each.x_um), 1), round(y.at(each.y_um), 1), at) for at, each in enumerate(course.atoms)
    ]
    across, up = (
        [(round(axis.at(tick), 1), axes.label(tick)) for tick in ticks]
        for axis, ticks in ((x, x.across()), (y, y.upwards()))
    )
    near = min((abs(a[1] - b[1]) + abs(a[2] - b[2]) for a, b in pairwise(atoms)), default=40.0)
    return Plane(LABELS + width + 8, height + 34, x, y, across, up, atoms, round(max(3.0, min(9.0, 0.3 * near)), 1))


async def course_of(view: View) -> tuple[Course, str]:
    """The course of the job's program, on the device that the address names or else that it was drawn for."""
    program, text = await program_of(view)
    device = view.read("device", program.device).strip()
    return await pictures_of(view).ask(view, "programs.course", Course, program=text, device=device), device


@page("/jobs/{job:str}/atoms")
async def show_atoms(view: View) -> Response[Any]:
    """The atoms of a program over time; of a program of gates on a device that can be chosen."""
    devices = sorted(name for name, each in profiles().items() if each.geometry is not None)
    course = plane = error = None
    device = view.read("device")
    try:
        course, device = await course_of(view)
        plane = plane_of(course) if course.atoms else None
    except QmkError as refused:
        if refused.kind.name not in ("UNSUPPORTED", "INVALID_GRAPH", "INVALID_PARAMS"):
            raise
        error = refused
    return view.page(
        "atoms.html", job=job_of(view), course=course, plane=plane, error=error, devices=devices, device=device
    )


@page("/jobs/{job:str}/tracks.svg")
async def draw_tracks(view: View) -> Response[Any]:
    """The light, or the ops of each atom, over time."""
    return picture((await course_of(view))[0].tracks.encode(), lasting=True)


HANDLERS = (cut_circuit, show_layers, draw_layer, draw_space_time, show_atoms, draw_tracks)
