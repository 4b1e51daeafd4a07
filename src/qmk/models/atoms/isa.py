"""Versions of the instructions for atoms, and what each of them has: the matrix that devices advertise.

1.0 and 1.1 are those of lupalberto/neutral-atom-vm: six instructions, positions on a line; 1.1 describes the machine
(sites, native gates, limits). 2.0 is everything that QMK has for atoms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qmk.base.errors import Finding
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.rules import ATOM_RULES
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

VERSIONS = ("1.0", "1.1", "2.0")


class Feature(NamedTuple):
    """``since``: the first version that has it."""

    name: str
    doc: str
    since: str


FEATURES = (
    Feature("gates", "gates of the qubits", "1.0"),
    Feature("measure", "measurements of Z", "1.0"),
    Feature("wait", "atoms.wait", "1.0"),
    Feature("line", "places and moves along x", "1.0"),
    Feature("sites", "sites in two and three dimensions, zones, native gates, limits of time and transport", "1.1"),
    Feature("plane", "moves along y and z, and of several atoms at once", "2.0"),
    Feature("reset", "core.reset and qubits allocated later", "2.0"),
    Feature("feedback", "guards, corrections and logic of measured events", "2.0"),
    Feature("loss", "atoms.mz, atoms.check and atoms.reload", "2.0"),
    Feature("evolution", "driving light with amplitude, detuning and phase over time", "2.0"),
    Feature("noise", "error channels in the program", "2.0"),
    Feature("fences", "epoch boundaries", "2.0"),
    Feature("channels", "pairs of channels, and programs that span tenants", ""),
)
"""``since`` "": in none"""

_SINCE = {row.name: row.since for row in FEATURES}


def has(version: str, feature: str) -> bool:
    """Whether ``version`` has ``feature``."""
    since = _SINCE[feature]
    return bool(since) and VERSIONS.index(version) >= VERSIONS.index(since)


def matrix() -> dict[str, dict[str, bool]]:
    """Every feature by name, with the versions that have it."""
    return {row.name: {version: has(version, row.name) for version in VERSIONS} for row in FEATURES}


def _finding(rule: str, message: str, node: str = "") -> Finding:
    return Finding(rule, message, ATOM_RULES[rule].help, node)


def check_version(graph: Graph, version: str, profile: Profile | None = None) -> list[Finding]:
    """What of ``graph`` instructions of ``version`` cannot say: the first node of each feature. With ``profile``, also
    whether the device takes the version, and needs one that describes it."""
    if version not in VERSIONS:
        return [_finding("ATOM-47", f"there is no version '{version[:20]}'; there are {', '.join(VERSIONS)}")]
    found: list[Finding] = []
    if profile is not None and version not in profile.isa:
        found.append(_finding("ATOM-47", f"{profile.name} takes {', '.join(profile.isa)}, not {version}"))
    plane = (
        profile is not None
        and profile.geometry is not None
        and any(site.y or site.z or site.zone for site in profile.geometry.sites)
    )
    if plane and not has(version, "sites"):
        found.append(_finding("ATOM-46", f"version {version} has no sites in a plane, and no zones"))
    seen: set[str] = set()
    started = False
    for node in graph.nodes:
        for feature in _features(node, started):
            if feature not in seen and not has(version, feature):
                seen.add(feature)
                found.append(_finding("ATOM-46", f"{node.op}: version {version} has no {feature}", node.id))
        started = started or node.op not in ("core.alloc", "atoms.place")
    return found


def _features(node: Node, started: bool) -> Iterator[str]:
    """Of one node. ``started``: something other than allocation came before."""
    op = OPS.get(node.op)
    if node.guard is not None:
        yield "feedback"
    if op is None:
        return
    if node.op in ("atoms.place", "atoms.move"):
        points = node.args["positions" if node.op == "atoms.place" else "to"]
        flat = all(not any(point[1:]) for point in points)
        yield "line" if flat and (node.op == "atoms.place" or len(points) == 1) else "plane"
        return
    if node.op == "core.alloc" and not started:
        return
    by_name = {"core.alloc": "reset", "core.reset": "reset", "atoms.wait": "wait"}
    by_name |= dict.fromkeys(("atoms.mz", "atoms.check", "atoms.reload"), "loss")
    by_class = {"unitary": "gates", "measure": "measure", "evolution": "evolution", "noise": "noise", "fence": "fences"}
    by_class |= {"feedforward": "feedback", "classical": "feedback", "channel": "channels", "composite": "channels"}
    feature = by_name.get(node.op) or by_class.get(op.op_class)
    if feature:
        yield feature
