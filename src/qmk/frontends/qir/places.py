"""Places in memory: those of constants, and those that ``getelementptr`` leads to."""

from __future__ import annotations

import re
from typing import Any

from qmk.frontends.qir.module import Module, Variable, offset_of, shape_of
from qmk.frontends.qir.values import Place
from qmk.sdk.frontend import Refused

_BYTE = re.compile(r"i8\b")


def move_place(base: Any, text: str, steps: list[int], sizes: list[int]) -> Any:
    """The place that ``getelementptr`` leads to, by steps in a type, or by bytes where that is i8."""
    by = offset_of(shape_of(text), steps)
    if isinstance(base, Place):
        size = sizes[base.object] if 0 <= base.object < len(sizes) and _BYTE.match(text) else 1
        if by % size:
            raise Refused("QIR-06", f"{by} bytes into an object lead to no value of it")
        return Place(base.object, base.offset + by // size)
    if by == 0 and base is not None:
        return base
    raise Refused("QIR-06", "the address is of no memory of the program")


def bytes_of(variable: Variable, module: Module) -> int:
    """The bytes of one value of a variable."""
    first = module.constants[variable.values[0]] if variable.values else ["static", 0]
    return max(1, int(first[1]) // 8) if first[0] == "int" else 8


def constant_value(row: list[Any], sizes: list[int]) -> Any:
    """The value of a constant; a function is its name."""
    match row:
        case ["function", str(name)]:
            return name
        case ["variable", int(place), str(shape), steps]:
            return move_place(Place(place, 0), shape, steps, sizes) if shape else Place(place, 0)
        case ["int", _, int(value)] | ["static", int(value)]:
            return value
        case ["double", float(value)]:
            return value
        case _:
            return None
