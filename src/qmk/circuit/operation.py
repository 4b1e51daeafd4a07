"""The items of a circuit, to look at."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from qmk.circuit.building import PARAMS
from qmk.circuit.items import Assign, Else, End, If, Item, ModifiedGate, Step
from qmk.circuit.operands import Condition


class Operation(NamedTuple):
    """One item of a circuit, to look at. ``name``: that of a gate, or an op such as mz, or if, else, end, assign.
    ``args``: arguments by name, angles among them. ``controls``: what the first qubits must hold, in order."""

    name: str
    qubits: tuple[int, ...] = ()
    args: Mapping[str, Any] = {}
    bits: tuple[int, ...] = ()
    controls: str = ""
    power: float = 1.0
    condition: Condition | None = None
    channel: str = ""


def operation(item: Item) -> Operation:
    """The item as its circuit shows it."""
    match item:
        case Step():
            args = MappingProxyType(item.args)
            name, bits = item.op.removeprefix("core."), item.writes or item.reads
            return Operation(name, item.qubits, args, bits, channel=item.channel)
        case Assign():
            return Operation("assign", bits=(item.bit,), condition=item.value)
        case If():
            return Operation("if", condition=item.condition)
        case Else() | End():
            return Operation(type(item).__name__.lower())
        case _:
            name, angles, qubits, controls, power = cast("ModifiedGate", (*item, "", 1.0)[:5])
            return Operation(name, qubits, dict(zip(PARAMS[name], angles, strict=True)), (), controls, power)
