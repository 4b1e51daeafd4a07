"""Where the atoms of a sequence are, which device it is for, and what that device says of the register."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, cast

import msgspec

from qmk.base.limits import check
from qmk.frontends.pulser.schema import Atom, Device, Layout
from qmk.models.atoms import AtomProgram, Profile
from qmk.models.atoms import check as check_program
from qmk.models.atoms.profile import Arrangement
from qmk.qvm.families.analog import LARGEST
from qmk.sdk.frontend import Refused

Point = tuple[float, ...]

DECIMALS = 6
"""Pulser tells places apart by this many decimals of a um."""


@dataclass(frozen=True)
class Register:
    """Qubits in their order, um. ``traps``: the layout they are in, if any."""

    names: tuple[str, ...]
    points: tuple[Point, ...]
    traps: tuple[Point, ...] | None = None

    def indices(self, names: Sequence[str]) -> frozenset[int]:
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise Refused("PULSER-06", f"there is no qubit '{unknown[0][:80]}'")
        return frozenset(self.names.index(name) for name in names)


def register(atoms: list[Atom], layout: Layout | None, chosen: Any) -> Register:
    """``chosen``: traps of a mappable register's first qubits, in their order; None where they are not given."""
    check("qubits", len(atoms), "register")
    traps = None if layout is None else _traps(layout)
    if not atoms:
        raise Refused("PULSER-06", "the register has no qubit")
    if atoms[0].qid is not None:
        return _map(atoms, traps, chosen)
    if chosen is not None:
        raise Refused("PULSER-06", "qubits are given, but the register is not mappable", "leave qubits out")
    names: list[str] = []
    points: list[Point] = []
    for at, atom in enumerate(atoms):
        point = (atom.x, atom.y) if atom.z is None else (atom.x, atom.y, atom.z)
        if atom.name is None or atom.qid is not None or None in point or len(point) != len(points[0] if at else point):
            raise Refused("PULSER-06", f"register[{at}] is not name, x, y (and z) as the others are")
        names.append(atom.name)
        points.append(_sound(tuple(x for x in point if x is not None)))
    if traps is not None:
        known = set(traps)
        points = [_round(point) for point in points]
        lost = next((at for at, point in enumerate(points) if point not in known), None)
        if lost is not None:
            raise Refused("PULSER-06", f"register[{lost}] is in no trap of the layout")
    return _register(names, points, traps)


def _register(names: list[str], points: list[Point], traps: list[Point] | None) -> Register:
    for what, rows in (("name", names), ("place", points)):
        if len(set(rows)) != len(rows):
            raise Refused("PULSER-06", f"two qubits have one {what}")
    return Register(tuple(names), tuple(points), None if traps is None else tuple(traps))


def _map(atoms: list[Atom], traps: list[Point] | None, chosen: Any) -> Register:
    if traps is None:
        raise Refused("PULSER-06", "a mappable register without a layout")
    if any(atom.qid is None or atom.name is not None or atom.x is not None for atom in atoms):
        raise Refused("PULSER-06", "a mappable register has qubits with a qid and no place")
    defaults = list(itertools.takewhile(lambda trap: trap is not None, (atom.default_trap for atom in atoms)))
    if chosen is None:
        numbers: list[Any] = [*defaults]
    else:
        numbers = cast("list[Any]", chosen) if isinstance(chosen, list) else [chosen]
    whole = [x for x in numbers if isinstance(x, (int, float)) and not isinstance(x, bool) and x == int(x)]
    if not numbers or len(whole) != len(numbers) or len(numbers) > len(atoms):
        raise Refused("PULSER-06", f"a mappable register of {len(atoms)} qubits takes up to as many numbers of traps")
    if not all(0 <= x < len(traps) for x in whole):
        raise Refused("PULSER-06", f"the layout has traps 0 to {len(traps) - 1}")
    names = [atom.qid or "" for atom in atoms[: len(whole)]]
    return _register(names, [traps[int(x)] for x in whole], traps)


def _sound(point: Point) -> Point:
    if not all(abs(x) <= LARGEST for x in point):
        raise Refused("PULSER-03", f"a place at {point} um")
    return point


def _round(point: Point) -> Point:
    return tuple(round(x, DECIMALS) + 0.0 for x in point)


def _traps(layout: Layout) -> list[Point]:
    """In Pulser's order: by x, then y, then z."""
    check("qubits", len(layout.coordinates), "layout")
    found = sorted(_round(_sound(tuple(point))) for point in layout.coordinates)
    if not found or len({len(point) for point in found}) != 1 or len(found[0]) not in (2, 3):
        raise Refused("PULSER-06", "the layout's traps are not all in a plane or all in space")
    if len(set(found)) != len(found):
        raise Refused("PULSER-06", "two traps of the layout are at one place")
    return found


@functools.cache
def _data() -> Any:
    text = resources.files("qmk.frontends.pulser").joinpath("data.json").read_bytes()
    return msgspec.json.decode(text)


def known_devices() -> dict[str, Device]:
    """Devices that a sequence may name without writing them out."""
    return {row["name"]: msgspec.convert(row, Device) for row in _data()["devices"]}


def c6(level: int) -> float:
    """C6 in rad um^6/us of 87Rb at a Rydberg level. Raises ``Refused`` for one that Pulser's table does not have."""
    table: dict[str, float] = _data()["c6"]
    if str(level) not in table:
        raise Refused("PULSER-12", f"no C6 is known for Rydberg level {level}")
    return table[str(level)]


def device(given: str | Device) -> Device:
    if isinstance(given, Device):
        return given
    known = known_devices()
    if given not in known:
        raise Refused("PULSER-12", f"no device is called '{given[:80]}'; there are {', '.join(known)}")
    return known[given]


def complaints(place: Register, can: Device) -> Iterator[tuple[str, str]]:
    """(rule, message) for every bound of the device that the register breaks."""
    if len(place.points[0]) > can.dimensions:
        yield "ATOM-81", f"a register in {len(place.points[0])} dimensions, but {can.name} has {can.dimensions}"
    spacing = max(can.min_atom_distance - 10**-DECIMALS, 10**-DECIMALS)
    for what, points, most in (("atoms", place.points, can.max_atom_num or 0), ("traps", place.traps or (), 0)):
        bounds = Profile(can.name, can.name, (), Arrangement(sites=most, spacing=spacing))
        for row in check_program(_still(points), bounds):
            yield row.rule, f"{what}: {row.message}"
        far = max((math.hypot(*point) for point in points), default=0.0)
        if can.max_radial_distance is not None and far > can.max_radial_distance:
            text = f"{what} are {far:g} um from the centre, but {can.name} goes to {can.max_radial_distance:g} um"
            yield "ATOM-02", text
    if place.traps is not None:
        yield from _of_a_layout(len(place.points), len(place.traps), can)


def _still(points: Sequence[Point]) -> AtomProgram:
    """Atoms that nothing happens to."""
    filled = (True,) * len(points)
    return AtomProgram(sites=tuple(points), filling=filled, drives=(), duration=0.0, c6=0.0, phase_sign=1)


def _of_a_layout(atoms: int, traps: int, can: Device) -> Iterator[tuple[str, str]]:
    if traps < can.min_layout_traps or (can.max_layout_traps is not None and traps > can.max_layout_traps):
        most = "any number" if can.max_layout_traps is None else can.max_layout_traps
        yield "ATOM-81", f"a layout of {traps} traps, but {can.name} takes {can.min_layout_traps} to {most}"
    low, high = math.ceil(traps * can.min_layout_filling), int(traps * can.max_layout_filling)
    if atoms > high or (traps > can.min_layout_traps and atoms < low):
        yield "ATOM-81", f"{atoms} atoms in {traps} traps, but {can.name} fills {low} to {high} of them"
