"""A program for atoms as a graph: one evolution, every atom read, and the sequences that devices report.

The event ``r<site>`` is 1 where the atom of a site is found in the Rydberg state. ``pre<site>`` is 1: the atom was
there before. ``post<site>`` is 1 where it is there afterwards: in the ground state, since the traps lose an atom in the
Rydberg state. Both sequences are printed site by site; a vacant site has the constant 0 in both.
"""

from __future__ import annotations

from typing import Any, Literal

from qmk.models.atoms.program import INTERNAL_SIGN, AtomProgram, Drive, Field
from qmk.qvm.families import analog
from qmk.qvm.families import atoms as atoms_family
from qmk.qvm.graph import Graph, Node, Output

NOT, ONE = 1, 1
"""The truth tables of NOT and of a constant 1."""


Read = Literal["sequences", "levels", "third level"]
"""What is printed: the sequences before and after; or one register ``q`` of the events ``r<site>``, which are 1 for
level |1>, or for the third level, which is lost where the evolution ends."""


def to_graph(program: AtomProgram, source: str, read: Read = "sequences") -> Graph:
    """The graph of ``program``, which was read from format ``source``."""
    filled = program.filled_sites
    atoms = tuple(f"a{site}" for site in filled)
    op = "analog.rydberg3" if any(drive.transition for drive in program.drives) else "analog.rydberg"
    nodes = [Node("load", "core.alloc", {"n": len(atoms)}, atoms)]
    nodes.append(Node("evolve", op, _evolution(program), atoms))
    for site in filled:
        events = (f"level{site}", f"r{site}") if read == "third level" else (f"r{site}",)
        nodes.append(
            Node(f"read{site}", "core.mz" if len(events) == 1 else "atoms.mz", vqs=(f"a{site}",), produces=events)
        )
    for site in filled if read == "sequences" else ():
        nodes.append(Node(f"there{site}", "core.lut", {"table": ONE}, produces=(f"pre{site}",)))
        nodes.append(Node(f"left{site}", "core.lut", {"table": NOT}, inputs=(f"r{site}",), produces=(f"post{site}",)))
    nodes.append(Node("unload", "core.free", vqs=atoms))
    outputs = tuple(
        Output(name, tuple(f"{event}{site}" if there else None for site, there in enumerate(program.filling)))
        for name, event in ((("pre", "pre"), ("post", "post")) if read == "sequences" else (("q", "r"),))
    )
    families = ("core@1", f"analog@{analog.FAMILY.version}")
    if read == "third level":
        families = (*families, f"atoms@{atoms_family.FAMILY.version}")
    return Graph(
        nodes=tuple(nodes),
        vqs=atoms,
        events=tuple(event for node in nodes for event in node.produces),
        caps=("CAP_ALLOC",),
        families=families,
        outputs=outputs,
        shots=program.shots,
        metadata={"atoms": _provenance(program, source)},
    )


def _evolution(program: AtomProgram) -> dict[str, Any]:
    turned = program.phase_sign * INTERNAL_SIGN
    return {
        "positions": [list(program.sites[site]) for site in program.filled_sites],
        "c6": program.c6,
        "duration": program.duration,
        "drives": [_drive(drive, program.filled_sites, turned) for drive in program.drives],
    }


def _drive(drive: Drive, filled: tuple[int, ...], turned: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, field in zip(analog.FIELDS, (drive.amplitude, drive.phase, drive.detuning), strict=True):
        if field is not None:
            out[name] = _field(field, turned if name == "phase" else 1)
    if drive.pattern is not None:
        out["pattern"] = [drive.pattern[site] for site in filled]
    if drive.transition is not None:
        out["transition"] = drive.transition
    return out


def _field(field: Field, sign: int) -> dict[str, list[float]]:
    return {"times": list(field.times), "values": [sign * value + 0.0 for value in field.values]}


def _provenance(program: AtomProgram, source: str) -> dict[str, Any]:
    """What the graph no longer says: all sites, and the convention that was converted."""
    return {
        "source": source,
        "sites_um": [list(site) for site in program.sites],
        "filling": [int(there) for there in program.filling],
        "c6_rad_um6_per_us": program.c6,
        "phase_sign": program.phase_sign,
    }
