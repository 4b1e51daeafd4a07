"""Decides which operand is a qubit, a channel or an event. The op's signature and the declarations say so, never how a
name begins. Where these leave a doubt a prefix decides: ``vq:q0``, ``ch:link``, ``ev:m0``."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal, NamedTuple

import msgspec

from qmk.qvm.op import Op

Kind = Literal["vqs", "chs", "inputs", "produces"]

PREFIXES: dict[str, Kind] = {"vq": "vqs", "ch": "chs", "ev": "inputs"}
WRITTEN: dict[Kind, str] = {"vqs": "vq", "chs": "ch", "inputs": "ev", "produces": "ev"}


class Operand(NamedTuple):
    """A handle as written; ``kind`` None when it has no prefix."""

    name: str
    kind: Kind | None = None


class Known(msgspec.Struct, frozen=True):
    """Names that are certainly qubits (allocated or declared) and certainly events (produced or declared)."""

    vqs: Container[str]
    events: Container[str]


def outputs_kind(op: Op | None) -> Kind:
    """The kind of what stands after the arrow: qubits of an allocation, the channel that is opened, else events."""
    if op is not None and op.name == "core.alloc":
        return "vqs"
    return "chs" if op is not None and op.channel_effect == "open" else "produces"


def _kinds_taken(op: Op | None) -> tuple[Kind, ...]:
    if op is None:
        return ("vqs", "inputs")
    arities = (("vqs", op.vqs), ("chs", op.chs), ("inputs", op.inputs))
    kinds: list[Kind] = [kind for kind, arity in arities if arity.high != 0]  # type: ignore[misc]
    if op.channel_effect == "open":
        kinds.remove("chs")
    return tuple(kinds)


def classify(op: Op | None, operands: list[Operand], known: Known) -> list[Kind]:
    """The kind of each operand before the arrow, in order.

    An op that takes one kind settles it. Else a name known as event only is an event, one known as qubit only a
    qubit; of the others the first is a qubit and the rest are events.
    """
    accepted = _kinds_taken(op)
    kinds: list[Kind] = []
    for operand in operands:
        if operand.kind is not None:
            kinds.append(operand.kind)
        elif len(accepted) == 1:
            kinds.append(accepted[0])
        elif "inputs" not in accepted:
            kinds.append("vqs")
        else:
            event, qubit = operand.name in known.events, operand.name in known.vqs
            first = "vqs" not in kinds
            kinds.append("vqs" if (qubit and not event) or (qubit == event and first) else "inputs")
    return kinds
