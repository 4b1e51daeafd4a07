"""The op families of QVM and the tables derived from them. To add a family, add its module to ``FAMILIES``."""

from __future__ import annotations

from qmk.qvm.families import channel, core, magic, policy
from qmk.qvm.op import Family, Op

FAMILIES: tuple[Family, ...] = (core.FAMILY, channel.FAMILY, magic.FAMILY, policy.FAMILY)

OPS: dict[str, Op] = {op.name: op for family in FAMILIES for op in family.ops}

SPELLINGS: dict[str, str] = {spelling: op.name for op in OPS.values() for spelling in (op.name, op.legacy) if spelling}
"""Every accepted spelling of an op, to its namespaced name."""

CAPABILITIES: tuple[str, ...] = (
    "CAP_ALLOC",
    "CAP_COMPUTE",
    "CAP_LINK",
    "CAP_MAGIC",
    "CAP_MEASURE",
    "CAP_TELEPORT",
)
"""Capability tokens a program may name; a session is granted a subset of them."""
