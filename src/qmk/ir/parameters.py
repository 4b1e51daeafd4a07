"""Numbers that a program leaves open: parameters, and arithmetic with them.

An expression is a tree of operations over parameters and numbers. It is evaluated when values are given, by the same
operations in the same order as Python and OpenQASM would compute them, so that both give the same bits.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, SupportsFloat, TypeAlias, cast, overload

from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
}
"""Functions of expressions, by the names that OpenQASM 3 and numpy give them."""

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "*": operator.mul,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
_RANK = {"+": 1, "*": 2, "/": 2, "-": 3, "**": 4}
_EXACT = 2**53
"""Up to here whole numbers are floats too."""

Angle: TypeAlias = "float | Expression"
"""An angle in radians, or another number: known, or an expression of parameters."""

AngleLike: TypeAlias = SupportsFloat | Iterable[SupportsFloat]
"""A number of any type or an expression; or several: a list, an array, a vector of parameters."""


ENCODED = re.compile(r"_0x([0-9a-f]+)_")
"""A character that an identifier cannot hold, as ``encode_name`` writes it."""


def encode_name(name: str) -> str:
    """A name of another framework as an identifier: what that cannot hold becomes the number of its character, such as
    ``_0x20_`` for a space. An identifier stays as it is."""
    if name.isidentifier():
        return name
    found = re.sub(r"\W", lambda match: f"_0x{ord(match[0]):x}_", name)
    return found if found.isidentifier() else f"_0x{ord(name[0]) if name else 0:x}_{found[1:]}"


def decode_name(identifier: str) -> str:
    """The name that ``encode_name`` made an identifier of."""
    return ENCODED.sub(lambda match: chr(int(match[1], 16)) if int(match[1], 16) else "", identifier)


class Expression:
    """A number that depends on parameters. ``+ - * / **`` and the functions ``sin``, ``cos``, ``tan``, ``arcsin``,
    ``arccos``, ``arctan``, ``exp``, ``log`` and ``sqrt`` (also numpy's) give further expressions. Two expressions are
    equal if they are written alike."""

    __slots__ = ("args", "op")
    op: str
    args: tuple[Any, ...]

    def __init__(self, op: str, args: tuple[Any, ...]) -> None:
        object.__setattr__(self, "op", op)
        object.__setattr__(self, "args", args)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"'{self}' cannot be changed")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Expression, (self.op, self.args))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.op == other.op and self.args == other.args

    def __hash__(self) -> int:
        return hash((self.op, self.args))

    # -- arithmetic --------------------------------------------------------------------------------------------------

    def __add__(self, other: Angle) -> Expression:
        return _join("+", self, other)

    def __radd__(self, other: Angle) -> Expression:
        return _join("+", other, self)

    def __sub__(self, other: Angle) -> Expression:
        number = _number(other)
        return NotImplemented if number is None else _join("+", self, -number)

    def __rsub__(self, other: Angle) -> Expression:
        return _join("+", other, -self)

    def __mul__(self, other: Angle) -> Expression:
        return _join("*", self, other)

    def __rmul__(self, other: Angle) -> Expression:
        return _join("*", other, self)

    def __truediv__(self, other: Angle) -> Expression:
        return _join("/", self, other)

    def __rtruediv__(self, other: Angle) -> Expression:
        return _join("/", other, self)

    def __pow__(self, other: Angle) -> Expression:
        return _join("**", self, other)

    def __rpow__(self, other: Angle) -> Expression:
        return _join("**", other, self)

    def __neg__(self) -> Expression:
        return Expression("-", (self,))

    def __pos__(self) -> Expression:
        return self

    def sin(self) -> Expression:
        return Expression("sin", (self,))

    def cos(self) -> Expression:
        return Expression("cos", (self,))

    def tan(self) -> Expression:
        return Expression("tan", (self,))

    def arcsin(self) -> Expression:
        return Expression("arcsin", (self,))

    def arccos(self) -> Expression:
        return Expression("arccos", (self,))

    def arctan(self) -> Expression:
        return Expression("arctan", (self,))

    def exp(self) -> Expression:
        return Expression("exp", (self,))

    def log(self) -> Expression:
        return Expression("log", (self,))

    def sqrt(self) -> Expression:
        return Expression("sqrt", (self,))

    def __float__(self) -> float:
        raise TypeError(f"'{self}' has no value yet: give one with bind(...) or params={{...}}")

    # -- what it says ------------------------------------------------------------------------------------------------

    def parameters(self) -> dict[str, int | None]:
        """The parameters by name in order of appearance, each with its number of values; None: a single number."""
        found: dict[str, int | None] = {}
        for each in self.args:
            if isinstance(each, Expression):
                found.update(each.parameters())
        return found

    @property
    def is_affine(self) -> bool:
        """Whether it is a sum of multiples of parameters and a number, as it is written."""
        if self.op in ("+", "-", "parameter", "element"):
            linear = True
        elif self.op == "*":
            linear = sum(isinstance(arg, Expression) for arg in self.args) == 1
        else:
            linear = self.op == "/" and not isinstance(self.args[1], Expression)
        return linear and all(not isinstance(arg, Expression) or arg.is_affine for arg in self.args)

    def at(self, values: Mapping[str, Any]) -> Angle:
        """The number where ``values`` has every parameter (a vector as a list), else what is left of the expression.
        Raises INVALID_PARAMS where it has no finite value."""
        args = [each.at(values) if isinstance(each, Expression) else each for each in self.args]
        try:
            found = _operate(self.op, args)
            if isinstance(found, float) and not math.isfinite(found):
                raise OverflowError
        except (ArithmeticError, ValueError, TypeError):
            shown = ", ".join(f"{name} = {values[name]}" for name in self.parameters() if name in values)
            raise QmkError(
                "INVALID_PARAMS",
                f"'{self}' has no finite real value at {shown}",
                field="params",
                help="give values at which it has one",
            ) from None
        return found

    def write(self, number: Callable[[float], str] = repr) -> str:
        """The expression as OpenQASM 3 and Python write it, its numbers by ``number``."""
        if self.op in FUNCTIONS:
            return f"{self.op}({_text(self.args[0], 0, number)})"
        if self.op == "-":
            return f"-{_text(self.args[0], 3, number)}"
        if self.op == "+":
            parts = [_text(each, 1, number) for each in self.args]
            return parts[0] + "".join(f" - {p[1:]}" if p[0] == "-" else f" + {p}" for p in parts[1:])
        left, right = self.args
        rank = _RANK[self.op]
        first = _text(left, rank + (self.op == "**"), number)
        second = _text(right, rank + (self.op != "**"), number)
        return f"{first}{self.op}{second}"

    def __str__(self) -> str:
        return self.write()

    def __repr__(self) -> str:
        return f"<Expression {self}>"


class Parameter(Expression):
    """A number that the program leaves open, by name: ``Parameter("theta")``; or several of them under one name,
    ``Parameter("theta", 4)``, which are ``theta[0]`` to ``theta[3]``. Its values are given when the program is run, as
    ``params={"theta": 0.5}`` or ``params={theta: 0.5}``, a vector's as a list.

    Raises INVALID_PARAMS for a name that is not an identifier."""

    __slots__ = ()

    def __init__(self, name: str, size: int | None = None) -> None:
        if not isinstance(cast("object", name), str) or len(name) > LIMITS.name_chars or not name.isidentifier():
            shown = repr(name)[:40] if isinstance(cast("object", name), str) else f"by a {type(name).__name__}"
            raise QmkError(
                "INVALID_PARAMS",
                f"a parameter cannot be named {shown}",
                field="name",
                help="take letters, digits and _, such as theta or phi_2",
            )
        super().__init__("parameter", (name, None if size is None else _size_of(name, size)))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Parameter, self.args)

    @property
    def name(self) -> str:
        return self.args[0]

    @property
    def size(self) -> int | None:
        """How many values it has; None: it is a single number."""
        return self.args[1]

    def __len__(self) -> int:
        if self.size is None:
            raise TypeError(f"parameter '{self.name}' is a single number and has no length")
        return self.size

    @overload
    def __getitem__(self, index: int) -> Expression: ...

    @overload
    def __getitem__(self, index: slice) -> list[Expression]: ...

    def __getitem__(self, index: int | slice) -> Expression | list[Expression]:
        """One value of a vector, or those of a slice as a list. Raises IndexError beyond its end."""
        size = len(self)
        if isinstance(index, slice):
            return [self[k] for k in range(size)[index]]
        at = operator.index(index)
        if not -size <= at < size:
            raise IndexError(f"'{self.name}' has {size} values, numbered from 0; there is no [{at}]")
        return _Element("element", (self, at % size))

    def __iter__(self) -> Iterator[Expression]:
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        return True

    def parameters(self) -> dict[str, int | None]:
        return {self.name: self.size}

    def at(self, values: Mapping[str, Any]) -> Angle:
        if self.size is not None:
            raise QmkError(
                "INVALID_PARAMS",
                f"parameter '{self.name}' is a vector of {self.size} values, not one number",
                field="params",
                help=f"take one of them, such as {self.name}[0]",
            )
        return float(values[self.name]) if self.name in values else self

    def write(self, number: Callable[[float], str] = repr) -> str:
        return self.name

    def __repr__(self) -> str:
        size = "" if self.size is None else f", {self.size}"
        return f"Parameter({self.name!r}{size})"


def _size_of(name: str, size: object) -> int:
    try:
        found = 0 if isinstance(size, bool) else operator.index(cast("int", size))
    except Exception:  # an object's own __index__ may raise anything
        found = 0
    if not 1 <= found <= LIMITS.nodes:
        raise QmkError(
            "INVALID_PARAMS",
            f"parameter '{name}' has to have from 1 to {LIMITS.nodes} values",
            field="size",
            help="give a whole number, or leave it out for a single value",
        )
    return found


class _Element(Expression):
    """One value of a vector."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Element, (self.op, self.args))

    def at(self, values: Mapping[str, Any]) -> Angle:
        vector, at = self.args
        return float(values[vector.name][at]) if vector.name in values else self

    def write(self, number: Callable[[float], str] = repr) -> str:
        vector, at = self.args
        return f"{vector.name}[{at}]"


def _number(value: object) -> Angle | None:
    """An operand as an expression or a number of Python's; None for what is neither."""
    if isinstance(value, Expression):
        return value.at({}) if isinstance(value, Parameter) else value  # which refuses a whole vector
    if isinstance(value, bool) or hasattr(value, "__len__"):
        return None
    try:
        found = operator.index(value)  # type: ignore[arg-type]
        return found if abs(found) <= _EXACT else float(found)
    except TypeError:
        pass
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _join(op: str, left: object, right: object) -> Any:
    first, second = _number(left), _number(right)
    if first is None or second is None:
        return NotImplemented
    if op == "+" and isinstance(first, Expression) and first.op == "+":
        return Expression("+", (*first.args, second))  # a long sum stays flat
    return Expression(op, (first, second))


def _operate(op: str, args: Sequence[Angle]) -> Angle:
    if op == "-":
        return -args[0]
    if op in FUNCTIONS:
        (only,) = args
        return getattr(only, op)() if isinstance(only, Expression) else FUNCTIONS[op](only)
    found = args[0]
    for each in args[1:]:
        found = _BINARY[op](found, each)
    return found if isinstance(found, Expression) else float(cast("Any", found))


def _text(value: Angle, rank: int, number: Callable[[float], str]) -> str:
    """An operand, in parentheses where it binds less than ``rank`` asks."""
    if isinstance(value, Expression):
        text, own = value.write(number), _RANK.get(value.op, 9)
    else:
        text = repr(value) if isinstance(value, int) else number(value)
        own = 2 if "*" in text or "/" in text else 3 if text[0] == "-" else 9
    return f"({text})" if own < rank else text
