"""Whether the parts of a device fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import msgspec

from qmk.base.errors import Finding, invalid_graph
from qmk.models.atoms.geometry import Geometry, Point
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rules import ATOM_RULES
from qmk.qvm.families import OPS

LARGEST = 1e9
"""Largest number in um, us or 1/s: a larger one is a mistake of units."""


def check_device(profile: Profile) -> list[Finding]:
    """What is wrong with the device itself, in the order of the rules, at most one finding for each part."""
    found = [*_numbers(profile), *_gates(profile)]
    if profile.geometry is not None:
        found += [*_names(profile, profile.geometry), *_places(profile.geometry)]
    return sorted(found, key=lambda row: row.rule)


def require(profile: Profile) -> None:
    """Raises INVALID_GRAPH with all findings of ``check_device``."""
    found = check_device(profile)
    if found:
        raise invalid_graph(found)


def _finding(rule: str, message: str) -> Finding:
    return Finding(rule, message, ATOM_RULES[rule].help)


def _first_duplicate(names: Iterable[Any]) -> Any:
    seen: set[Any] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)


def _names(profile: Profile, geometry: Geometry) -> Iterator[Finding]:
    ids = {site.id for site in geometry.sites}
    zones = {zone.id for zone in geometry.zones}
    lists: tuple[tuple[str, list[Any]], ...] = (
        ("site", [site.id for site in geometry.sites]),
        ("zone", [zone.id for zone in geometry.zones]),
        ("configuration", [row.name for row in geometry.configurations]),
        *((f"configuration '{row.name}': site", list(row.sites)) for row in geometry.configurations),
    )
    for what, names in lists:
        twice = _first_duplicate(names)
        if twice is not None:
            yield _finding("ATOM-23", f"{what} {twice} is there twice")
    lanes = () if profile.transport is None else profile.transport.lanes
    named: tuple[tuple[str, Iterable[Any], set[Any]], ...] = (
        ("a site names zone", (site.zone for site in geometry.sites if site.zone), zones),
        ("the blockade names zone", profile.blockade.zones, zones),
        ("a configuration names site", (site for row in geometry.configurations for site in row.sites), ids),
        ("an interaction graph names site", (s for row in profile.interactions for p in row.pairs for s in p), ids),
        ("a lane names site", (site for lane in lanes for site in lane.ends), ids),
    )
    for what, names, there in named:
        strange = next((name for name in names if name not in there), None)
        if strange is not None:
            yield _finding("ATOM-23", f"{what} {strange}, which is not there")


def _places(geometry: Geometry) -> Iterator[Finding]:
    seen: dict[Point, int] = {}
    for site in geometry.sites:
        other = seen.setdefault(site.point, site.id)
        if other != site.id:
            yield _finding("ATOM-24", f"sites {other} and {site.id} are at {site.point} um")
            return


def _gates(profile: Profile) -> Iterator[Finding]:
    for gate in profile.gates:
        op = OPS.get(f"core.{gate.name}")
        if op is None or op.op_class != "unitary" or not op.vqs.accepts(gate.arity):
            yield _finding("ATOM-25", f"the native gate '{gate.name[:40]}' on {gate.arity} qubits")
        elif not gate.low <= gate.high:
            yield _finding("ATOM-25", f"the angles of '{gate.name}' go from {gate.low:g} to {gate.high:g}")
    twice = _first_duplicate((gate.name, gate.arity) for gate in profile.gates)
    if twice is not None:
        yield _finding("ATOM-25", f"the native gate '{twice[0]}' on {twice[1]} qubits is there twice")


def _numbers(profile: Profile) -> Iterator[Finding]:
    parts: dict[str, Any] = {
        "blockade": profile.blockade,
        "timing": profile.timing,
        "transport": profile.transport,
        "mishaps": profile.mishaps,
    }
    for name, part in parts.items():
        wrong = next(_wrong(msgspec.to_builtins(part), name), None)
        if wrong is not None:
            yield _finding("ATOM-26", "{} is {:g}".format(*wrong))
    for gate in profile.gates:
        if not 0 <= gate.duration <= LARGEST or not abs(gate.low) + abs(gate.high) <= LARGEST:
            yield _finding("ATOM-26", f"the duration or the angles of '{gate.name}'")
    for site in () if profile.geometry is None else profile.geometry.sites:
        if not all(abs(x) <= LARGEST for x in site.point):
            yield _finding("ATOM-26", f"site {site.id} is at {site.point} um")
            break
    timing, chances = profile.timing, profile.mishaps
    if timing.max_wait and timing.max_wait < 2 * timing.min_wait:
        yield _finding("ATOM-26", f"waits from {timing.min_wait:g} to {timing.max_wait:g} us")
    for name in ("load_loss", "gate_loss", "move_loss"):
        if getattr(chances, name) > 1:
            yield _finding("ATOM-26", f"mishaps.{name} is {getattr(chances, name):g}, more than 1")
    model = chances.model
    if model is not None and (model.idle or model.idle_measure or model.relaxation):
        yield _finding("ATOM-26", f"mishaps.model: {model.label} has errors of waiting; they are mishaps.idle")


def _wrong(value: Any, where: str) -> Iterator[tuple[str, float]]:
    """Numbers that are negative, too large or none, with their places; not site ids of lanes, nor the noise model."""
    if isinstance(value, bool):
        return
    if isinstance(value, (int, float)):
        if not 0 <= value <= LARGEST:
            yield where, value if isinstance(value, float) else float(min(max(value, -(10**300)), 10**300))
    elif isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            if key not in ("ends", "model"):
                yield from _wrong(item, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(cast("Sequence[Any]", value)):
            yield from _wrong(item, f"{where}[{at}]")
