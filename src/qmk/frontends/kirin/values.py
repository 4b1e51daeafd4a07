"""What a kernel's values are while it is unrolled. Numbers, lists, tuples, ranges and slices are Python's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any, TypeGuard, cast

import msgspec

from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.logic import Bit
from qmk.sdk.frontend import Refused

LONGEST = 1_000_000
"""The most elements of one list."""


class Qubit(msgspec.Struct, frozen=True):
    handle: str


class Measured(msgspec.Struct, frozen=True):
    """One measurement: its bit, 0 where the atom was lost, and whether it was."""

    bit: Bit
    lost: Bit = lg.FALSE


class Truth(msgspec.Struct, frozen=True):
    """A truth value that a measurement decides."""

    bit: Bit


class Parity(msgspec.Struct, frozen=True):
    """A detector or an observable: the sum modulo two of its measurements."""

    bit: Bit


class Method(msgspec.Struct, frozen=True):
    """Something to call: the body, the names of its arguments, and what it captured."""

    name: str
    slots: tuple[str, ...]
    body: Mapping[str, Any]
    captured: tuple[Any, ...] = ()


class Cursor(msgspec.Struct):
    """An iterator in the hands of the program."""

    items: Iterator[Any]


class Either(msgspec.Struct, frozen=True):
    """Two values of which a measurement chooses one, and which no bit can hold."""

    what: str


def truth(value: Any) -> Bit:
    """The bit of a value in a condition."""
    if isinstance(value, (Truth, Parity)):
        return value.bit
    if isinstance(value, (bool, int, float)):
        return lg.constant(value)
    if isinstance(value, (list, tuple, range)):
        return lg.constant(len(cast("Sized", value)))
    if value is None:
        return lg.FALSE
    if isinstance(value, Measured):
        raise Refused("KIRIN-04", "a measurement is not a truth value: it may be 0, 1 or lost", "ask is_one of it")
    raise Refused("KIRIN-04", f"{show(value)} is not a truth value")


def to_value(bit: Bit) -> Any:
    """A bit as a value: a Python truth value where it is known."""
    found = lg.constant_of(bit)
    return Truth(bit) if found is None else found


def show(value: Any) -> str:
    """How a message calls a value."""
    if isinstance(value, Either):
        return value.what
    names = {Qubit: "a qubit", Measured: "a measurement", Truth: "a measured truth value", Parity: "a parity"}
    if type(value) in names:
        return names[type(value)]
    return (
        f"{type(value).__name__} {str(value)[:40]!r}" if isinstance(value, (int, float, str)) else type(value).__name__
    )


def number(value: Any, what: str) -> float:
    if isinstance(value, (Truth, Measured, Parity, Either)):
        raise Refused("KIRIN-05", f"{what} is {show(value)}; it must be known when the program is read")
    if not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise Refused("KIRIN-04", f"{what} is {show(value)}, not a finite number")
    return float(value)


def whole(value: Any, what: str) -> int:
    if isinstance(value, (Truth, Measured, Parity, Either)):
        raise Refused("KIRIN-05", f"{what} is {show(value)}; it must be known when the program is read")
    if not isinstance(value, int) or abs(value) >= 1 << 62:
        raise Refused("KIRIN-04", f"{what} is {show(value)}, not a whole number of 62 bits")
    return int(value)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether ``value`` is a list as Kirin writes one."""
    return isinstance(value, (list, tuple))


def sequence(value: Any, what: str) -> list[Any] | tuple[Any, ...] | range:
    if not isinstance(value, (list, tuple, range)):
        rule = "KIRIN-05" if isinstance(value, Either) else "KIRIN-04"
        raise Refused(rule, f"{what} is {show(value)}, not a list")
    return cast("list[Any] | tuple[Any, ...] | range", value)


def check_length(length: int) -> None:
    """Refuse a list before it is made."""
    if length > LONGEST:
        raise Refused("KIRIN-08", f"a list of {length} elements exceeds the limit of {LONGEST}")
