"""A program on a device: checked against every rule, in native gates, with a timeline and the device's noise."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import msgspec

from qmk.base.errors import Finding, invalid_graph
from qmk.models.atoms.check import check
from qmk.models.atoms.isa import check_version
from qmk.models.atoms.machine import DeviceErrors
from qmk.models.atoms.predicted import Worth, worth_of
from qmk.models.atoms.profile import Profile, load, profile
from qmk.models.atoms.program import INTERNAL_SIGN, AtomProgram, Drive, Field
from qmk.models.atoms.rules import ATOM_RULES
from qmk.models.atoms.sound import check_device
from qmk.models.atoms.steps import DEFAULT, Style
from qmk.models.atoms.timeline import KEY, Entry, Timeline
from qmk.models.atoms.walk import Walk
from qmk.models.atoms.zoned_walk import walk_of
from qmk.qvm.families import OPS, analog, atoms, noise
from qmk.qvm.graph import Graph, Node
from qmk.qvm.verify import verify

FAMILIES = {family.name: family.version for family in (atoms.FAMILY, noise.FAMILY)}


class OnDevice(NamedTuple):
    """``graph``: what engines run: native gates, waits, moves, noise; the timeline in its metadata under "atoms"."""

    graph: Graph
    timeline: Timeline


def check_program(
    graph: Graph, profile: Profile, configuration: str = "", isa: str = "", shots: int | None = None
) -> list[Finding]:
    """Every rule that ``profile``, or the program on it, breaks, in order. ``isa``: also those of this version of the
    instructions. Raises INVALID_GRAPH for a program that is wrong everywhere, INVALID_PARAMS for a configuration that
    is not there."""
    return _place(graph, profile, configuration, isa, shots)[1]


def timeline(graph: Graph, profile: Profile, configuration: str = "", style: Style | None = DEFAULT) -> OnDevice:
    """As ``on_device``, but without the device's noise, which takes no time and is most of the graph. ``style``: how
    the moves of a zoned device are planned; None: atoms go home after each gate."""
    quiet = msgspec.structs.replace(profile, mishaps=DeviceErrors())
    made, findings = _place(graph, quiet, configuration, style=style, worth=worth_of(profile.mishaps))
    findings = check_device(profile) or findings
    if findings:
        raise invalid_graph(findings)
    assert made is not None, "a program without findings is made"
    return made


def on_device(
    graph: Graph, profile: Profile, configuration: str = "", isa: str = "", shots: int | None = None
) -> OnDevice:
    """``graph`` as ``profile`` runs it. Raises INVALID_GRAPH with all that ``check_program`` finds, QUOTA_EXCEEDED
    where waits, moves and noise make it longer than a graph may be."""
    made, findings = _place(graph, profile, configuration, isa, shots)
    if findings:
        raise invalid_graph(findings)
    assert made is not None, "a program without findings is made"
    return made


def _place(
    graph: Graph,
    profile: Profile,
    configuration: str,
    isa: str = "",
    shots: int | None = None,
    style: Style | None = DEFAULT,
    worth: Worth | None = None,
) -> tuple[OnDevice | None, list[Finding]]:
    error = verify(graph).error()
    if error is not None:
        raise error
    found = check_device(profile)
    if found:
        return None, found
    found = check_version(graph, isa, profile) if isa else []
    shots = graph.shots if shots is None else shots
    low, high = profile.shots
    if profile.geometry is None:
        made, more = _analog(graph, profile, shots)
    else:
        walk = walk_of(graph, profile, configuration, style, worth or worth_of(profile.mishaps))
        made, more = _gates(walk)
        if shots is not None and high and not low <= shots <= high:
            text = f"{shots} shots, but {profile.name} takes {low} to {high}"
            more.append(Finding("ATOM-21", text, ATOM_RULES["ATOM-21"].help))
    return made, sorted([*found, *more], key=lambda row: row.rule)


def _gates(walk: Walk) -> tuple[OnDevice | None, list[Finding]]:
    walk.run()
    if walk.findings:
        return None, walk.findings
    graph, profile = walk.graph, walk.profile
    timeline = Timeline(profile.name, walk.configuration, round(walk.clock.end, 6), walk.sites, tuple(walk.entries))
    timed = _with(graph, tuple(walk.nodes), timeline)
    model = profile.mishaps.model
    if model is not None:
        from qmk.models.noise import apply

        timed = apply(model, timed)
    return OnDevice(timed, timeline), []


def _with(graph: Graph, nodes: tuple[Node, ...], timeline: Timeline) -> Graph:
    used = {node.op.partition(".")[0] for node in nodes}
    known = {family.partition("@")[0] for family in graph.families}
    added = tuple(f"{name}@{version}" for name, version in FAMILIES.items() if name in used - known)
    before = graph.metadata.get(KEY)
    kept = cast("dict[str, Any]", before) if isinstance(before, dict) else {}
    return msgspec.structs.replace(
        graph,
        version="1.0",
        nodes=nodes,
        families=(*graph.families, *added) if graph.families else graph.families,
        metadata={**graph.metadata, KEY: {**kept, **timeline.to_metadata()}},
    )


def _analog(graph: Graph, profile: Profile, shots: int | None) -> tuple[OnDevice | None, list[Finding]]:
    """Evolutions, one after the other, and measurements."""
    found: list[Finding] = []
    entries: list[Entry] = []
    time = 0.0
    for node in graph.nodes:
        op = OPS[node.op]
        if node.op == "analog.rydberg" and profile.analog:
            asked = shots if not entries else None
            found += [msgspec.structs.replace(row, node=node.id) for row in check(_program(node), profile, asked)]
            entries.append(Entry(round(time, 6), float(node.args["duration"]), node.op, node.id, node.vqs))
            time += float(node.args["duration"])
        elif op.op_class in ("unitary", "evolution", "composite", "channel"):
            text = f"{profile.name} has no {node.op}"
            found.append(Finding("ATOM-27", text, ATOM_RULES["ATOM-27"].help, node.id))
        elif op.op_class == "measure":
            entries.append(Entry(round(time, 6), 0.0, node.op, node.id, node.vqs))
    timeline = Timeline(profile.name, "", round(time, 6), {}, tuple(entries))
    return OnDevice(_with(graph, graph.nodes, timeline), timeline), found


def _program(node: Node) -> AtomProgram:
    """One evolution as devices check it; the vacant sites of a program are no longer seen."""
    args = node.args
    points = [tuple(float(x) for x in p) for p in args["positions"]]
    drives: list[Drive] = []
    for drive in args["drives"]:
        fields = [
            Field(tuple(drive[name]["times"]), tuple(drive[name]["values"])) if name in drive else None
            for name in analog.FIELDS
        ]
        drives.append(Drive(*fields, pattern=tuple(drive["pattern"]) if "pattern" in drive else None))
    return AtomProgram(
        sites=tuple(points),
        filling=(True,) * len(points),
        drives=tuple(drives),
        duration=float(args["duration"]),
        c6=float(args["c6"]),
        phase_sign=INTERNAL_SIGN,
    )


def device(name: str) -> tuple[Profile, str]:
    """The profile and configuration of ``NAME``, ``NAME:CONFIGURATION``, or a profile's file ``FILE.json`` in place of
    the name. Raises INVALID_PARAMS."""
    path, _, configuration = name.rpartition(".json:")
    if path:
        return load(path + ".json"), configuration
    if name.endswith(".json"):
        return load(name), ""
    base, _, configuration = name.partition(":")
    return profile(base), configuration
