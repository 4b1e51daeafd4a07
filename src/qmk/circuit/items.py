"""What a circuit is a list of.

Most items are gates, which are plain tuples because there are many: ``(name, angles, qubits)``, and with controls or a
power ``(name, angles, qubits, controls, power)`` as in ``frontends.openqasm.unitary.Prim``. ``name`` is a short name of
family core, ``angles`` stand in the order of its declaration, qubits and bits are numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from qmk.circuit.operands import Condition
from qmk.ir.parameter_values import leaves, resolve
from qmk.ir.parameters import Angle, Expression

PlainGate: TypeAlias = tuple[str, tuple[Angle, ...], tuple[int, ...]]
ModifiedGate: TypeAlias = tuple[str, tuple[Angle, ...], tuple[int, ...], str, float]


class Step(NamedTuple):
    """Any other op: ``args`` as in the bytecode, ``reads`` and ``writes`` bits, the name of a ``channel``."""

    op: str
    args: dict[str, Any]
    qubits: tuple[int, ...]
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    channel: str = ""


class Assign(NamedTuple):
    """A bit takes the value of a condition."""

    bit: int
    value: Condition


class If(NamedTuple):
    """What follows, up to ``Else`` or ``End``, is done where the condition holds."""

    condition: Condition


class Else(NamedTuple):
    """What follows, up to ``End``, is done where the condition does not hold."""


class End(NamedTuple):
    """The end of a branch."""


Item: TypeAlias = "PlainGate | ModifiedGate | Step | Assign | If | Else | End"


def move(item: Item, qubits: Callable[[int], int], bits: Callable[[int], int]) -> Item:
    """The item on other qubits and bits."""
    match item:
        case Step():
            moved = (tuple(map(qubits, item.qubits)), tuple(map(bits, item.reads)), tuple(map(bits, item.writes)))
            return Step(item.op, item.args, *moved, item.channel)
        case Assign():
            return Assign(bits(item.bit), item.value.move(bits))
        case If():
            return If(item.condition.move(bits))
        case Else() | End():
            return item
        case (name, angles, operands):
            return (name, angles, tuple(map(qubits, operands)))
        case (name, angles, operands, controls, power):
            return (name, angles, tuple(map(qubits, operands)), controls, power)


def values_in(item: Item) -> tuple[Any, ...]:
    """The numbers of an item that may be expressions."""
    if type(item) is tuple:
        return item[1]
    return tuple(leaves(item.args)) if isinstance(item, Step) else ()


def has_affine_angles(item: Item) -> bool:
    """Whether the item is the same for all values of parameters but for angles, which are affine functions of them."""
    expressions = [value for value in values_in(item) if isinstance(value, Expression)]
    return not expressions or (type(item) is tuple and all(value.is_affine for value in expressions))


def bind(item: Item, values: dict[str, Any]) -> Item:
    """The item with its parameters replaced by their values."""
    if type(item) is tuple:
        return (item[0], tuple([resolve(each, values) for each in item[1]]), *item[2:])  # type: ignore[return-value]
    if isinstance(item, Step):
        return item._replace(args={name: resolve(each, values) for name, each in item.args.items()})
    return item
