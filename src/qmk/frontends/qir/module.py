"""A module of QIR as ``child`` says it, and the values of its constants."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from qmk.sdk.frontend import Refused

VOID, DOUBLE, POINTER, OTHER = 0, -1, -2, -3
"""Types that are not integers, as ``child`` numbers them."""
MOST_CELLS = 1 << 20
"""The largest object in memory, in values."""

Row = tuple[str, int, int, list[int], Any]
"""Opcode, the number of what it gives (0: nothing), its type, its operands, and what else belongs to it."""


class Block(msgspec.Struct, frozen=True, array_like=True):
    name: str
    rows: list[Row]


class Function(msgspec.Struct, frozen=True, array_like=True):
    name: str
    params: list[int]
    blocks: list[Block]
    attributes: dict[str, str]

    def block_name(self, index: int) -> str:
        return self.blocks[index].name or str(index)


class Variable(msgspec.Struct, frozen=True, array_like=True):
    """A variable of the module. ``text``: what it holds where it is a text; else the numbers of its ``values``."""

    name: str
    is_constant: bool
    text: str | None
    values: list[int] | None


class Module(NamedTuple):
    functions: list[Function]
    variables: list[Variable]
    constants: list[list[Any]]
    version: tuple[int | None, int | None]

    @staticmethod
    def types() -> tuple[Any, ...]:
        return list[Function], list[Variable], list[list[Any]], tuple[int | None, int | None]

    def entry(self) -> Function:
        """The function that is run. Raises Refused where not exactly one is marked."""
        marked = [each for each in self.functions if {"entry_point", "EntryPoint"} & set(each.attributes)]
        if not marked and len(self.functions) == 1:
            marked = self.functions
        if len(marked) != 1:
            names = ", ".join(each.name[:40] for each in marked[:5])
            what = (
                f"{len(marked)} functions are marked as entry points: {names}" if marked else "there is no entry point"
            )
            raise Refused("QIR-02", what)
        if marked[0].params:
            raise Refused("QIR-02", f"the entry point '{marked[0].name[:80]}' takes {len(marked[0].params)} arguments")
        return marked[0]


# -- types in memory ---------------------------------------------------------------------------------------------------

_ARRAY = re.compile(r"\[(\d{1,9}) x ")
_SCALAR = re.compile(r"(i\d{1,3}|double|float|ptr|half|%[\w.\"-]+\*+)")


class Shape(NamedTuple):
    """A type in memory: a number, an array of ``parts[0]``, or a structure of ``parts``. ``cells``: values in it."""

    cells: int
    parts: tuple[Any, ...] = ()
    is_array: bool = False


@lru_cache(1024)
def shape_of(text: str) -> Shape:
    """The type that a text begins with. Raises Refused."""
    found = _shape(text, 0, 0)
    if found is None or found[0].cells > MOST_CELLS:
        raise Refused("QIR-06", f"memory of the type {text[:60]}")
    return found[0]


def _shape(text: str, at: int, depth: int) -> tuple[Shape, int] | None:
    if depth > 16:
        return None
    if match := _ARRAY.match(text, at):
        inner = _shape(text, match.end(), depth + 1)
        if inner is None or not text.startswith("]", inner[1]):
            return None
        return Shape(int(match[1]) * inner[0].cells, (inner[0],), True), inner[1] + 1
    if text.startswith("{ ", at):
        parts: list[Shape] = []
        at += 2
        while (inner := _shape(text, at, depth + 1)) is not None:
            parts.append(inner[0])
            if text.startswith(" }", inner[1]):
                return Shape(sum(part.cells for part in parts), tuple(parts)), inner[1] + 2
            at = inner[1] + 2
        return None
    match = _SCALAR.match(text, at)
    return (Shape(1), match.end()) if match else None


def cell_bytes(text: str) -> int:
    """The bytes of one value in an object of this type, as LLVM's passes count offsets."""
    found = _SCALAR.search(text)
    if found is None or not found[1].startswith("i"):
        return 4 if found is not None and found[1] == "float" else 8
    return max(1, int(found[1][1:]) // 8)


def offset_of(shape: Shape, indices: list[int]) -> int:
    """How many values past the start the element is that indices lead to, as ``getelementptr`` counts them."""
    at = indices[0] * shape.cells
    for index in indices[1:]:
        if not shape.parts or not (shape.is_array or 0 <= index < len(shape.parts)):
            raise Refused("QIR-06", "an index into what is not an array")
        if shape.is_array:
            shape = shape.parts[0]
            at += index * shape.cells
        else:
            at += sum(part.cells for part in shape.parts[:index])
            shape = shape.parts[index]
    return at
