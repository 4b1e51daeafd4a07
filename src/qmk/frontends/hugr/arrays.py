"""Ops on arrays, of which elements may be borrowed, too."""

from __future__ import annotations

from typing import Any

from qmk.frontends.hugr.constants import size_of
from qmk.frontends.hugr.machine import Call, Machine
from qmk.frontends.hugr.tree import Node
from qmk.frontends.hugr.values import Array, Function, variant, wrong
from qmk.frontends.qir.values import is_bits
from qmk.sdk.frontend import Refused


def _items(machine: Machine, value: Any) -> list[Any]:
    if not isinstance(value, Array):
        raise wrong("an array", value)
    machine.step(1 + len(value.items) // 8)
    return list(value.items)


def _place(machine: Machine, value: Any) -> int:
    if is_bits(value):
        rows = machine.arithmetic.cases(value)
        if len(rows) != 1:
            raise Refused("HUGR-05", "a measurement decides a place in an array")
        value = rows[0].value
    if type(value) is not int:
        raise wrong("a place in an array", value)
    return value


def _inside(machine: Machine, items: list[Any], given: Any) -> int:
    """A place that must be in the array."""
    place = _place(machine, given)
    if place >= len(items):
        raise Refused("HUGR-04", f"place {place} of an array of {len(items)}")
    return place


def _new(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [Array(tuple(given))]


def _unpack(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return _items(machine, given[0])


def _get(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    items, place = _items(machine, given[0]), _place(machine, given[1])
    return [variant(1, 2, items[place]) if place < len(items) else variant(0, 2), given[0]]


def _set(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    items, place = _items(machine, given[0]), _place(machine, given[1])
    if place >= len(items):
        return [variant(0, 2, given[2], given[0])]
    old, items[place] = items[place], given[2]
    return [variant(1, 2, old, Array(tuple(items)))]


def _swap(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    items = _items(machine, given[0])
    one, other = (_place(machine, value) for value in given[1:])
    if max(one, other) >= len(items):
        return [variant(0, 2, given[0])]
    items[one], items[other] = items[other], items[one]
    return [variant(1, 2, Array(tuple(items)))]


def _pop(at: int) -> Call:
    def call(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
        items = _items(machine, given[0])
        if not items:
            return [variant(0, 2)]
        taken = items.pop(at)
        return [variant(1, 2, taken, Array(tuple(items)))]

    return call


def _repeat(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    if not isinstance(given[0], Function):
        raise wrong("a function", given[0])
    found: list[Any] = []
    for _ in range(size_of(node.args)):
        machine.step(1)
        found += machine.call(given[0], ())
    return [Array(tuple(found))]


def _scan(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    """A function of each element and of values that it hands on from one to the next."""
    items, function, kept = _items(machine, given[0]), given[1], given[2:]
    if not isinstance(function, Function):
        raise wrong("a function", function)
    found: list[Any] = []
    for item in items:
        made, *kept = machine.call(function, (item, *kept))
        found.append(made)
    return [Array(tuple(found)), *kept]


def _borrow(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    items = _items(machine, given[0])
    place = _inside(machine, items, given[1])
    if items[place] is None:
        raise Refused("HUGR-04", f"element {place} is borrowed twice")
    taken, items[place] = items[place], None
    return [Array(tuple(items)), taken]


def _return(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    items = _items(machine, given[0])
    place = _inside(machine, items, given[1])
    if items[place] is not None:
        raise Refused("HUGR-04", f"element {place} is returned, and was not borrowed")
    items[place] = given[2]
    return [Array(tuple(items))]


def _all_borrowed(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    count = size_of(node.args)
    machine.step(1 + count)
    return [Array((None,) * count)]


def _clone(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return [given[0], given[0]]


def _same(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return given


def _nothing(machine: Machine, node: Node, given: list[Any]) -> list[Any]:
    return []


_BOTH: dict[str, Call] = {
    "new_array": _new,
    "unpack": _unpack,
    "get": _get,
    "set": _set,
    "swap": _swap,
    "pop_left": _pop(0),
    "pop_right": _pop(-1),
    "repeat": _repeat,
    "scan": _scan,
    "clone": _clone,
    "discard": _nothing,
    "discard_empty": _nothing,
}

OPS: dict[str, Call] = {
    **{f"collections.{kind}.{name}": op for kind in ("array", "borrow_arr") for name, op in _BOTH.items()},
    "collections.borrow_arr.borrow": _borrow,
    "collections.borrow_arr.return": _return,
    "collections.borrow_arr.new_all_borrowed": _all_borrowed,
    "collections.borrow_arr.discard_all_borrowed": _nothing,
    "collections.borrow_arr.from_array": _same,
    "collections.borrow_arr.to_array": _same,
}
"""By extension and name."""
