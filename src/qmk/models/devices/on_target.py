"""A program on a device of coupled sites: whether it is written for it, and the program with the device's noise.

Qubit k of a program, in the order of its handles, is site k; ``phys_K`` is site K, as OpenQASM's ``$K``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from qmk.models.devices.noise import noise_of
from qmk.models.devices.target import WRITTEN_AS, Target
from qmk.models.noise import NoiseModel, apply
from qmk.qvm.families import OPS
from qmk.qvm.graph import Graph, Node

_FREE = ("gphase",)
"""Gates that take no pulse."""

_ACTING = ("unitary", "composite", "measure", "reset", "feedforward")


def sites_of(target: Target, graph: Graph) -> list[str]:
    """The handle of each site, "" for a site without one. A handle beyond the last site has none."""
    names = [""] * target.sites
    for place, handle in enumerate(graph.vqs):
        numbered = re.fullmatch(r"phys_(\d{1,9})", handle)
        site = int(numbered[1]) if numbered else place
        if site < target.sites:
            names[site] = handle
    return names


def misfit(target: Target, graph: Graph) -> str:
    """Why ``graph`` is not written for ``target``, "" where it is: every gate native, at usable sites that are
    coupled."""
    sites = {handle: site for site, handle in enumerate(sites_of(target, graph)) if handle}
    native = {WRITTEN_AS.get(name, name) for name in target.gates}
    usable = set(target.usable())
    for node in graph.nodes:
        kind = OPS[node.op].op_class
        if kind in ("evolution", "channel"):
            return f"node '{node.id}': device '{target.name}' has no {node.op}"
        if kind not in _ACTING:
            continue
        places = [sites.get(handle, -1) for handle in node.vqs]
        if any(place not in usable for place in places):
            return f"node '{node.id}' ({node.op}) is on a qubit that device '{target.name}' has no usable site for"
        short = node.op.partition(".")[2]
        if kind in ("unitary", "composite") and node.vqs and short not in _FREE:
            if short not in native:
                return f"node '{node.id}': {node.op} is not native to device '{target.name}'"
            if len(places) == 2 and not target.has_way(short, places[0], places[1]):
                return f"node '{node.id}': {node.op} on sites {places}, which device '{target.name}' does not couple so"
    return ""


def on_target(
    target: Target, graph: Graph, noise: NoiseModel | None = None, own: Mapping[str, str] | None = None
) -> Graph:
    """A program that fits ``target`` with its noise, or with ``noise`` in its place (handles as ``sites_of`` gives
    them). Qubits that nothing touches are left out: they are what simulators need not hold. ``own``: the qubits of the
    program before it was compiled, by their names, with the handles that hold them at the end: kept in any case, and
    numbered first, in this order."""
    model = noise_of(target, sites_of(target, graph)) if noise is None else noise
    return apply(model, without_idle(graph) if own is None else _in_order(graph, own))


OWN = "own_qubits"
"""The metadata that name the qubits which a program had before it was compiled for a device: they come first."""


def _in_order(graph: Graph, own: Mapping[str, str]) -> Graph:
    """The program with its own qubits in this order, the others after them: all are allocated at the beginning, unless
    qubits are allocated after others were freed, which no number names."""
    kinds = [node.op for node in graph.nodes if node.op in _LIFE]
    if kinds != sorted(kinds):
        return graph
    touched = [handle for node in graph.nodes if node.op not in _LIFE for handle in node.vqs]
    handles = tuple(dict.fromkeys((*own.values(), *touched)))
    idle = set(graph.vqs).difference(handles)
    first = next(node for node in graph.nodes if node.op == "core.alloc")
    nodes = [msgspec.structs.replace(first, vqs=handles, args={**first.args, "n": len(handles)})]
    for node in graph.nodes:
        kept = _drop(node, idle) if node.op == "core.free" else node
        if kept is not None and node.op != "core.alloc":
            nodes.append(kept)
    metadata = {**graph.metadata, OWN: list(own)}
    return msgspec.structs.replace(graph, nodes=tuple(nodes), vqs=handles, metadata=metadata)


def without_idle(graph: Graph) -> Graph:
    """The program without qubits that are allocated and freed at most."""
    touched = {handle for node in graph.nodes if node.op not in _LIFE for handle in node.vqs}
    idle = set(graph.vqs) - touched
    if not idle:
        return graph
    nodes = [_drop(node, idle) if node.op in _LIFE else node for node in graph.nodes]
    kept = tuple(handle for handle in graph.vqs if handle in touched)
    return msgspec.structs.replace(graph, nodes=tuple(node for node in nodes if node is not None), vqs=kept)


_LIFE = ("core.alloc", "core.free")


def _drop(node: Node, idle: set[str]) -> Node | None:
    handles = tuple(handle for handle in node.vqs if handle not in idle)
    if not handles:
        return None
    args = {**node.args, "n": len(handles)} if "n" in node.args else node.args
    return msgspec.structs.replace(node, vqs=handles, args=args)
