"""Qubits and bits of a circuit as callers write them, and conditions on bits.

A qubit is its number, its name, or an object of the circuit; several are a register, a slice, a range, a list or an
array. A condition is a tree over numbers of bits.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, SupportsIndex, TypeAlias, TypeVar, cast, overload

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS, check
from qmk.ir.parameters import Expression
from qmk.models.arguments import show


class Qubit:
    """A qubit of a circuit: ``index`` among all of them, and its ``name``, such as q[0]."""

    __slots__ = ("index", "name")

    def __init__(self, index: int, name: str) -> None:
        self.index, self.name = index, name

    def __index__(self) -> int:
        return self.index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Qubit) and (self.index, self.name) == (other.index, other.name)

    def __hash__(self) -> int:
        return hash((self.index, self.name))

    def __repr__(self) -> str:
        return f"<Qubit {self.name}>"


class Condition:
    """A condition on measured bits. ``&``, ``|``, ``^`` and ``~`` give further ones."""

    __slots__ = ("args", "op")

    def __init__(self, op: str, args: tuple[Any, ...]) -> None:
        self.op, self.args = op, args

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and (self.op, self.args) == (other.op, other.args)

    def __hash__(self) -> int:
        return hash((self.op, self.args))

    def __and__(self, other: Condition) -> Condition:
        return _combine("and", self, other)

    def __or__(self, other: Condition) -> Condition:
        return _combine("or", self, other)

    def __xor__(self, other: Condition) -> Condition:
        return _combine("xor", self, other)

    def __invert__(self) -> Condition:
        return Condition("not", (self,))

    def __bool__(self) -> bool:
        raise TypeError("what a bit holds is known when the program runs: write 'with circuit.if_(...):', and & | ~")

    def leaves(self) -> Iterator[Condition]:
        """The bits that it reads, with repeats."""
        if self.op == "bit":
            yield self
        for each in self.args:
            if isinstance(each, Condition):
                yield from each.leaves()

    def bits(self) -> list[int]:
        """The numbers of the bits that it reads, with repeats."""
        return [leaf.args[0] for leaf in self.leaves()]

    def move(self, bits: Callable[[int], int]) -> Condition:
        """The same condition on bits that ``bits`` gives for these."""
        if self.op == "bit":
            return Condition("bit", (bits(self.args[0]),))
        return Condition(self.op, tuple(a.move(bits) if isinstance(a, Condition) else a for a in self.args))

    def __repr__(self) -> str:
        return f"<Condition {self}>"

    def __str__(self) -> str:
        match self.op, self.args:
            case "bit", (index, *_):
                return f"bit {index}"
            case "not", (one,):
                return f"~{one}"
            case "equal", (value, *bits):
                return f"({', '.join(map(str, bits))}) == {value}"
            case "table", (table, *bits):
                return f"table {table} of ({', '.join(map(str, bits))})"
            case op, parts:
                return "(" + {"and": " & ", "or": " | ", "xor": " ^ "}.get(op, f" {op} ").join(map(str, parts)) + ")"


class Bit(Condition):
    """A classical bit of a circuit, which a measurement writes: ``index`` among all of them, and its ``name``. As a
    condition: it holds 1."""

    __slots__ = ("name",)

    def __init__(self, index: int, name: str) -> None:
        super().__init__("bit", (index,))
        self.name = name

    @property
    def index(self) -> int:
        return self.args[0]

    def __index__(self) -> int:
        return self.index

    def __repr__(self) -> str:
        return f"<Bit {self.name}>"


Item = TypeVar("Item", Qubit, Bit)


class Register(Sequence[Item], Generic[Item]):
    """Several qubits or bits in order: a register, or a part of one. A slice of it is one too."""

    __slots__ = ("_items", "name")

    def __init__(self, name: str, items: Iterable[Item]) -> None:
        self.name, self._items = name, tuple(items)

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Register[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Register[Item]:
        """Raises INVALID_PARAMS beyond the end."""
        if isinstance(index, slice):
            return Register(self.name, self._items[index])
        try:
            return self._items[index]
        except IndexError:
            fix = f"it has {len(self)}, numbered from 0"
            raise QmkError("INVALID_PARAMS", f"there is no {self.name}[{index}]", field="index", help=fix) from None

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __contains__(self, value: object) -> bool:
        return value in self._items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Register) and self._items == cast("Register[Any]", other)._items

    def __hash__(self) -> int:
        return hash(self._items)

    def equals(self, value: int) -> Condition:
        """The condition that these bits, the first the lowest, read as the number ``value``."""
        return equals(tuple(cast("tuple[Bit, ...]", self._items)), value)

    def __repr__(self) -> str:
        return f"<{self.name}: {', '.join(each.name for each in self._items)}>"


Qubits: TypeAlias = Register[Qubit]
Bits: TypeAlias = Register[Bit]

QubitLike: TypeAlias = SupportsIndex | str | Iterable[SupportsIndex | str]
"""One qubit or several: a number (numpy's too), a name, an object of the circuit, or a sequence or array of these."""

BitLike: TypeAlias = SupportsIndex | str | Iterable[SupportsIndex | str]
"""One bit or several, as ``QubitLike``."""


def equals(bits: tuple[Condition, ...], value: int) -> Condition:
    """The condition that bits, the first the lowest, read as a number. Raises INVALID_PARAMS for one that needs more
    bits."""
    number = whole_number(value)
    if number is None or number < 0 or number.bit_length() > len(bits):
        raise wrong(f"{len(bits)} bits never hold the value {show(value)}", f"compare with 0 to {(1 << len(bits)) - 1}")
    if len(bits) == 1:
        return bits[0] if number else Condition("not", (bits[0],))
    return Condition("equal", (number, *bits))


def numbers_of(
    kind: str, given: object, count: int, names: Callable[[str], int | list[int] | None], name_at: Callable[[int], str]
) -> int | list[int]:
    """The number of one qubit or bit (``kind``), or those of several. ``names`` looks a name up, ``name_at`` gives it.

    Raises INVALID_PARAMS for what is out of range, of another circuit, or neither."""
    if isinstance(given, str):
        return _by_name(kind, given, names)
    if isinstance(given, (Qubit, Bit)):
        wanted = type(given).__name__.lower()
        if wanted != kind or not given.index < count or name_at(given.index) != given.name:
            fix = f"give one of its {count} {kind}s, by number, by name, or from .{kind}s"
            raise wrong(f"{wanted} '{given.name}' is not a {kind} of this circuit", fix)
        return given.index
    if not isinstance(given, (bytes, bytearray, memoryview)):
        number = whole_number(given)
        if number is not None:
            return in_range(kind, number, count)
        if hasattr(given, "tolist"):
            given = cast("Any", given).tolist()
        if isinstance(given, Iterable) and not isinstance(given, Expression):
            several = list(itertools.islice(cast("Iterable[object]", given), LIMITS.operands + 1))
            check("operands", len(several))
            if all(type(each) is int and 0 <= each < count for each in several):
                return cast("list[int]", several)
            return [_single(kind, each, count, names, name_at) for each in several]
        if isinstance(given, float) and given.is_integer():
            raise _refuse(kind, given, f"write {int(given)}")
    fix = f"give its number, its name, or a list of {kind}s"
    if kind == "qubit" and isinstance(given, (float, Expression)):
        fix += f"; angles come first, such as rx({show(given)}, 0)"
    raise _refuse(kind, cast("object", given), fix)


def _single(
    kind: str, given: object, count: int, names: Callable[[str], int | list[int] | None], name_at: Callable[[int], str]
) -> int:
    if isinstance(given, str) or not isinstance(given, Iterable):
        found = numbers_of(kind, given, count, names, name_at)
        if isinstance(found, int):
            return found
    raise wrong(f"{show(cast('object', given))} is several {kind}s within a list", f"write one flat list of {kind}s")


def _refuse(kind: str, given: object, fix: str) -> QmkError:
    return wrong(f"{show(given)} ({type(given).__name__}) is not a {kind}", fix)


def whole_number(given: object) -> int | None:
    """A whole number of any integer type but bool; None for everything else."""
    try:
        return None if isinstance(given, bool) else operator.index(cast("Any", given))
    except Exception:  # a caller's own class may raise anything
        return None


def in_range(kind: str, number: int, count: int) -> int:
    """The number, if there is such a qubit or bit."""
    if 0 <= number < count:
        return number
    shown = show(number)
    if not count:
        raise wrong(f"{kind} {shown} is out of range: the circuit has no {kind}s", f"add some with add_{kind}s(...)")
    raise wrong(f"{kind} {shown} is out of range: the circuit has {count}", f"number it from 0 to {count - 1}")


def _by_name(kind: str, text: str, names: Callable[[str], int | list[int] | None]) -> int | list[int]:
    name, bracket, rest = text.partition("[")
    found = names(name)
    if found is not None and not bracket:
        return found
    index = rest.removesuffix("]")
    if isinstance(found, int):
        shown = show(text)
        raise wrong(f"there is no {kind} {shown}: '{name}' is one {kind} by itself", f"write '{name}'")
    if found is not None and rest.endswith("]") and index.isdecimal() and int(index) < len(found):
        return found[int(index)]
    if found is not None:
        raise wrong(
            f"there is no {kind} {show(text)}: '{name}' has {len(found)}", f"write {name}[0], or {name} for all"
        )
    raise wrong(f"no register of {kind}s is named {show(name)}", f"add one with add_{kind}s(1, {show(name)})")


def _combine(op: str, left: Condition, right: object) -> Condition:
    return Condition(op, (left, right)) if isinstance(right, Condition) else NotImplemented


def wrong(what: str, fix: str, field: str = "operands") -> QmkError:
    """The refusal of an operand, with a way to mend it."""
    return QmkError("INVALID_PARAMS", what, field=field, help=fix)
