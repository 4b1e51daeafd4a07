"""The op families of QVM and the tables derived from them. To add a family, add its module to ``FAMILIES``."""

from __future__ import annotations

import difflib

from qmk.qvm.families import analog, atoms, channel, core, dynamics, magic, noise, photonic, policy, script
from qmk.qvm.op import Family, Op

FAMILIES: tuple[Family, ...] = (
    core.FAMILY,
    channel.FAMILY,
    magic.FAMILY,
    noise.FAMILY,
    policy.FAMILY,
    analog.FAMILY,
    atoms.FAMILY,
    dynamics.FAMILY,
    photonic.FAMILY,
    script.FAMILY,
)

OPS: dict[str, Op] = {op.name: op for family in FAMILIES for op in family.ops}

SPELLINGS: dict[str, str] = {spelling: op.name for op in OPS.values() for spelling in (op.name, op.legacy) if spelling}
"""Every accepted spelling of an op, to its namespaced name."""

OTHER_NAMES: dict[str, str] = {
    "ccnot": "core.toffoli",
    "ccx": "core.toffoli",
    "cnot": "core.cnot",
    "cphase": "core.cp",
    "cu1": "core.cp",
    "cx": "core.cnot",
    "fredkin": "core.cswap",
    "i": "core.id",
    "m": "core.mz",
    "measure": "core.mz",
    "phase": "core.p",
    "u1": "core.p",
    "u3": "core.u",
    "v": "core.sx",
}
"""Names of ops in other languages, to their names here. They are not accepted, but help to guess what a writer
meant."""


def meant(name: str) -> list[str]:
    """Ops that the writer of ``name`` may have meant, the likeliest first."""
    last = name.rpartition(".")[2].lower().removeprefix("apply_")
    known = [OTHER_NAMES[last]] if last in OTHER_NAMES else []
    near = difflib.get_close_matches(name, SPELLINGS, 3) or difflib.get_close_matches(
        f"APPLY_{name.upper()}", SPELLINGS, 3
    )
    return list(dict.fromkeys([*known, *near]))[:3]


CAPABILITIES: tuple[str, ...] = ("CAP_ALLOC", "CAP_COMPUTE", "CAP_LINK", "CAP_MAGIC", "CAP_MEASURE", "CAP_TELEPORT")
"""Capability tokens a program may name; a session is granted a subset of them."""
