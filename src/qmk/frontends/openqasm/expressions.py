"""Expressions of both dialects by precedence climbing (language specification, operator table)."""

from __future__ import annotations

import re
from typing import ClassVar

from qmk.frontends.openqasm.sources import Refusal, nearest
from qmk.frontends.openqasm.stream import Stream
from qmk.frontends.openqasm.tokens import BITSTRING
from qmk.frontends.openqasm.tree import (
    Binary,
    Call,
    Cast,
    Concat,
    DurationOf,
    Expr,
    Hardware,
    Index,
    Literal,
    MeasureOf,
    Name,
    Range,
    SetOf,
    TypeNode,
    Unary,
)  # fmt: skip

POWER = 12
_BINARY = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7, "<<": 8, ">>": 8,
    "+": 9, "-": 9, "*": 10, "/": 10, "%": 10, "**": POWER,
}  # fmt: skip
_UNARY = 11
MAX_TERMS = 2000
"""Operators in a chain such as a+b+c: its tree is that deep on the left"""
MAX_INDEXES = 32

TYPES = frozenset(("bit", "bool", "int", "uint", "float", "angle", "complex", "duration", "stretch", "array"))
TIME_UNITS = frozenset(("dt", "ns", "us", "µs", "μs", "ms", "s"))
_SUFFIX = re.compile(r"\s*+([^\W\d]\w*+)")
_PLAIN_INDEX = re.compile(r"\s*+(\d{1,9}+)\s*+\]", re.A)
MAX_DIGITS = 1000


class ExpressionParser(Stream):
    """OpenQASM 3 expressions."""

    types: ClassVar[frozenset[str]] = TYPES
    binary: ClassVar[dict[str, int]] = _BINARY

    def expression(self, least: int = 1) -> Expr:
        self.enter()
        left = self.operators(self.unary(), least)
        self.depth -= 1
        return left

    def operators(self, left: Expr, least: int = 1) -> Expr:
        """The operators that follow ``left`` and bind at least as tightly as ``least``."""
        terms = 0
        while (level := self.level()) >= least:
            pos, op = self.pos, self.text
            self.advance()
            right = self.expression(_UNARY if level == POWER else level + 1)
            left = Binary(pos, "**" if level == POWER else op, left, right)
            terms += 1
            if terms > MAX_TERMS:
                raise Refusal("limit", pos, f"more than {MAX_TERMS} operators in one chain", "split the expression")
        return left

    def level(self) -> int:
        return self.binary.get(self.text, 0) if self.kind == "op" else 0

    def unary(self) -> Expr:
        if self.kind == "op" and self.text in ("-", "+", "!", "~"):
            pos, op = self.pos, self.text
            self.advance()
            operand = self.expression(_UNARY)
            return operand if op == "+" else Unary(pos, op, operand)
        return self.postfix(self.primary())

    def postfix(self, base: Expr) -> Expr:
        for _ in range(MAX_INDEXES):
            if self.text != "[":
                return base
            base = self.plain_index(base) or self.index(base)
        raise Refusal("limit", self.pos, f"more than {MAX_INDEXES} indexes in a row")

    def plain_index(self, base: Expr) -> Index | None:
        """``[3]``, the usual index, in one step."""
        found = _PLAIN_INDEX.match(self.source, self.end)
        if found is None:
            return None
        pos = self.pos
        at = self.file.base + found.start(1)
        self.seek(found.end())
        return Index(pos, base, [Literal(at, "int", int(found[1]))])

    def index(self, base: Expr) -> Index:
        pos = self.pos
        self.expect("[")
        if self.text == "{":
            items: list[Expr] = [self.braces()]
        else:
            items = [self.range_or_expression()]
            while self.take(","):
                items.append(self.range_or_expression())
        self.expect("]")
        return Index(pos, base, items)

    def range_or_expression(self) -> Expr:
        pos = self.pos
        start = None if self.text == ":" else self.expression()
        if self.text != ":":
            assert start is not None
            return start
        self.advance()
        step = None
        stop = None if self.text in ("]", ",", ":") else self.expression()
        if self.take(":"):
            ends = self.text in ("]", ",")  # pyright: ignore[reportUnnecessaryContains]  # of the token after
            step, stop = stop, None if ends else self.expression()
        return Range(pos, start, step, stop)

    def braces(self) -> SetOf:
        """``{a, b, c}`` with nested braces for arrays."""
        self.enter()
        pos = self.pos
        self.expect("{")
        items: list[Expr] = []
        while self.text != "}":
            items.append(self.braces() if self.text == "{" else self.expression())
            if not self.take(","):
                break
        self.expect("}")
        self.depth -= 1
        return SetOf(pos, items)

    def value(self) -> Expr:
        """The right side of a declaration, assignment or alias: an expression, a concatenation or an array."""
        if self.text == "{":
            return self.braces()
        first = self.expression()
        if self.text != "++":
            if isinstance(first, Name) and self.kind in ("name", "hardware") and nearest(first.name, {"measure"}):
                raise Refusal(
                    "undefined", first.pos, f"there is no operation '{first.name}'", "did you mean 'measure'?"
                )
            return first
        parts = [first]
        pos = self.pos
        while self.take("++"):
            parts.append(self.expression())
        return Concat(pos, parts)

    def primary(self) -> Expr:
        pos, text = self.pos, self.text
        match self.kind:
            case "number":
                return self.number()
            case "string":
                return self.string()
            case "hardware":
                self.advance()
                return Hardware(pos, self._int(text[1:], 10, pos))
            case "name":
                return self.word()
            case "op" if text == "(":
                self.advance()
                inner = self.expression()
                self.expect(")")
                return inner
            case _:
                raise self.fail("an expression")

    def word(self) -> Expr:
        pos, text = self.pos, self.text
        if text in self.types:
            kind = self.type()
            self.expect("(")
            operand = self.expression()
            self.expect(")")
            return Cast(pos, kind, operand)
        self.advance()
        if text in ("true", "false"):
            return Literal(pos, "bool", text == "true")
        if text == "measure":
            return MeasureOf(pos, self.operand())
        if text == "durationof":
            self.expect("(")
            self._skip_braces()
            self.expect(")")
            return DurationOf(pos)
        if self.text == "(":
            return Call(pos, text, self.arguments())
        return Name(pos, text)

    def _skip_braces(self) -> None:
        level = 0
        while self.kind != "end":
            level += (self.text == "{") - (self.text == "}")
            self.advance()
            if level == 0:
                return

    def arguments(self) -> list[Expr]:
        """``(a, b)``; an empty list is allowed, as is a trailing comma."""
        self.expect("(")
        found: list[Expr] = []
        while self.text != ")":
            found.append(self.value())
            if not self.take(","):
                break
        self.expect(")")
        return found

    def operand(self) -> Expr:
        """A qubit, register, slice or hardware qubit."""
        if self.kind == "hardware":
            return self.primary()
        pos = self.pos
        return self.postfix(Name(pos, self.name("a qubit or register")))

    def operands(self) -> list[Expr]:
        found = [self.operand()]
        while self.take(","):
            found.append(self.operand())
        if self.kind in ("name", "hardware") and self.next_text() in (",", ";", "["):
            raise Refusal(
                "syntax", self.pos, f"expected ',' before {self.describe_token()}", "put ',' between the operands"
            )
        return found

    def _int(self, text: str, base: int, pos: int) -> int:
        if len(text) > MAX_DIGITS:
            raise Refusal("value", pos, f"a number of {len(text)} digits", f"write at most {MAX_DIGITS} digits")
        digits = text.replace("_", "")
        if not digits:
            raise Refusal("syntax", pos, "a number without digits")
        return int(digits, base)

    def number(self) -> Expr:
        """An integer, real, imaginary or duration literal."""
        pos, text = self.pos, self.text
        radix = {"0x": 16, "0o": 8, "0b": 2}.get(text[:2].lower())
        if radix:
            value: int | float = self._int(text[2:], radix, pos)
        elif any(mark in text for mark in ".eE"):
            value = self.real(text, pos)
        else:
            value = self._int(text, 10, pos)
        suffix = _SUFFIX.match(self.source, self.end)
        if suffix is not None and radix is None:
            unit = suffix[1]
            if unit in TIME_UNITS or unit == "im":
                self.seek(suffix.end())
                return (
                    Literal(pos, "imaginary", float(value)) if unit == "im" else Literal(pos, "duration", (value, unit))
                )
            if suffix.start(1) == self.end:
                raise Refusal("syntax", pos, f"'{text}{unit}' is neither a number nor a name",
                              "a name begins with a letter")  # fmt: skip
        self.advance()
        return Literal(pos, "float" if isinstance(value, float) else "int", value)

    def real(self, text: str, pos: int) -> float:
        value = float(text.replace("_", ""))
        if value in (float("inf"), float("-inf")):
            raise Refusal("value", pos, f"{text} is larger than any number QMK can hold")
        return value

    def string(self) -> Expr:
        pos, text = self.pos, self.text
        self.advance()
        if BITSTRING.fullmatch(text.replace("'", '"')):
            digits = text[1:-1].replace("_", "")
            return Literal(pos, "bits", (int(digits, 2), len(digits)))
        return Literal(pos, "string", text[1:-1])

    def type(self) -> TypeNode:
        """``bit[4]``, ``float``, ``complex[float[64]]``, ``array[int[8], 2, 3]``, ``qubit[2]``."""
        pos, kind = self.pos, self.name("a type")
        if kind == "array":
            return self.array_type(pos, "")
        if self.text != "[":
            return TypeNode(pos, kind)
        self.advance()
        if kind == "complex":
            node = TypeNode(pos, kind, base=self.type())
        else:
            node = TypeNode(pos, kind, self.expression())
        self.expect("]")
        return node

    def array_type(self, pos: int, access: str) -> TypeNode:
        """What follows the word ``array``."""
        self.expect("[")
        base = self.type()
        dims: list[Expr] = []
        rank = None
        while self.take(","):
            if self.kind == "dim":
                self.advance()
                self.expect("=")
                rank = self.expression()
            else:
                dims.append(self.expression())
        self.expect("]")
        return TypeNode(pos, "array", base=base, dims=dims if rank is None else None, rank=rank, access=access)
