"""Front-end ``lanes``: programs for neutral atoms in bloqade-lanes' instructions of version 1.0, as text ("SST") and in
the binary form, on an architecture (ArchSpec 2.0).

What it pins. Angles are turns, as Bloqade's compiler writes them, unless ``angles`` is 'radians'. R(axis, angle) turns
about cos(axis) X + sin(axis) Y. Distances are um, times us: a move takes as long as its slowest lane under FLAIR's law
of motion. Bits: the register ``result`` has what the program returns, a zone's sites word by word, without the vacant
ones; ``detectors`` and ``observables`` are parities. A CZ acts on the entangling pairs of its zone that have both
atoms. A program loses no atoms. ``arch`` names the architecture, 'gemini-physical' unless given, or is its JSON text.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from qmk.frontends.lanes.arch import arch
from qmk.frontends.lanes.code import MAGIC, decode
from qmk.frontends.lanes.machine import Machine, bits_of
from qmk.frontends.lanes.rules import LANES_RULES
from qmk.frontends.openqasm.sources import report_limits
from qmk.qvm.graph import Graph, Output
from qmk.sdk.frontend import Frontend, Source, refuse, report_refused, strip_bom

__all__ = ["FRONTEND", "LANES_RULES"]

ARCH = "gemini-physical"


def recognise(data: bytes) -> int:
    """The binary form's first letters, or a version and a function."""
    if data.startswith(MAGIC):
        return 100
    head = strip_bom(data[:4096]).split()
    return 100 if head[:1] == [b"version"] and any(word.startswith(b"@main") for word in head[:5]) else 0


def parse(source: Source) -> Graph:
    """Raises INVALID_GRAPH with one finding that has the line, in the binary form the instruction's number."""
    with report_refused(LANES_RULES, source), report_limits("LANES-09"):
        where, turn = _parameters(dict(source.params or {}))
        machine = Machine(arch(where), turn)
        machine.run(decode(source.data))
        return _graph(machine, where)


def _parameters(given: dict[str, Any]) -> tuple[str, float]:
    where, angles = given.pop("arch", ARCH), given.pop("angles", "turns")
    if given or not isinstance(where, str) or angles not in ("turns", "radians"):
        refuse("LANES-10", f"parameters are arch and angles, not {', '.join(given) or 'these values'}")
    return where, 2 * math.pi if angles == "turns" else 1.0


def _graph(machine: Machine, where: str) -> Graph:
    builder = machine.builder
    result = machine.measured if machine.returned is None else bits_of(machine.returned, vacant=True)
    registers = {"result": result, "detectors": machine.detectors, "observables": machine.observables}
    outputs = [Output(name, tuple(builder.event_of(bit) for bit in bits)) for name, bits in registers.items() if bits]
    sites = [list(site) for site in machine.sites]
    metadata: dict[str, Any] = {"source": "lanes", "lanes": {"measured": sites}}
    if not where.lstrip().startswith("{"):
        metadata["lanes"]["arch"] = where
    made = builder.finish(outputs, metadata)
    families = sorted({node.op.partition(".")[0] for node in made.nodes})
    return msgspec.structs.replace(made, families=tuple(families))


FRONTEND = Frontend("lanes", "Programs of bloqade-lanes for neutral atoms", (".sst", ".lanes"), recognise, parse)
