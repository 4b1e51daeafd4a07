"""What stands behind ``#pragma braket``, as text: read here, given its qubits in ``reader``.

Source: the grammar ``BraketPragmasParser.g4`` of Amazon Braket's default simulator 1.41, and
``adjoint_gradient`` as the SDK writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Matrix = list[list[complex]]


class Pragma(NamedTuple):
    """``kind``: verbatim, unitary, noise or result. ``name``: the channel, or what result is asked for."""

    kind: str
    name: str = ""
    numbers: tuple[float, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    operands: tuple[str, ...] = ()
    """Qubits as written; none: all of them."""
    factors: tuple[Factor, ...] = ()
    """Of an observable that is a product."""
    terms: tuple[tuple[float, tuple[Factor, ...]], ...] = ()
    """Of an observable that is a sum of products."""
    words: tuple[str, ...] = ()
    """Bitstrings of amplitudes, parameters of a gradient."""


class Factor(NamedTuple):
    """``matrix`` None: a Pauli, Hadamard or the identity, by ``name``. No ``operands``: on each qubit alike."""

    name: str
    operands: tuple[str, ...]
    matrix: Matrix | None = None


class BadPragma(Exception):
    """What is wrong with a pragma, and how it is written."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


_HEAD = re.compile(r"\s*braket\s+(\w+)\s*")
_CALL = re.compile(r"\s*(\w+)\s*\(")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_COMPLEX = re.compile(rf"\s*({_NUMBER})\s*(im\b)?(?:\s*([+-])\s*({_NUMBER})\s*im\b)?\s*")
_FACTOR = re.compile(r"\s*([xyzih])\b\s*")
_OPERAND = re.compile(r"\$\d+|\w+(?:\s*\[[^\]]*\])?")
_PLAIN = ("state_vector",)
_TARGETED = ("probability", "density_matrix")
_OBSERVED = ("expectation", "variance", "sample")
RESULTS = (*_PLAIN, *_TARGETED, *_OBSERVED, "amplitude", "adjoint_gradient")


def read(text: str) -> Pragma | None:
    """The pragma behind the word ``pragma``; None for another vendor's. Raises BadPragma."""
    head = _HEAD.match(text)
    if head is None:
        return None
    kind, rest = head[1], text[head.end() :].rstrip().removesuffix(";").rstrip()
    if kind == "verbatim" and not rest:
        return Pragma("verbatim")
    if kind == "unitary":
        inside, operands = _inside(rest)
        return Pragma(kind, matrices=(_Reader(inside).only(),), operands=_operands(operands))
    if kind == "noise":
        return _noise(rest)
    if kind == "result":
        return _result(rest)
    raise BadPragma(f"'{kind[:40]}' is not a pragma of Braket's", "there are verbatim, unitary, noise and result")


def _noise(text: str) -> Pragma:
    call = _CALL.match(text)
    if call is None:
        raise BadPragma("a channel is written with its numbers", "such as: #pragma braket noise bit_flip(0.1) q[0]")
    inside, operands = _inside(text[call.end() - 1 :])
    if call[1] == "kraus":
        return Pragma("noise", "kraus", matrices=tuple(_Reader(inside).all()), operands=_operands(operands))
    try:
        numbers = tuple(float(each) for each in inside.split(","))
    except ValueError:
        raise BadPragma(f"'{inside[:40]}' are not the numbers of a channel") from None
    return Pragma("noise", call[1], numbers, operands=_operands(operands))


def _result(text: str) -> Pragma:
    name, _, rest = text.partition(" ")
    rest = rest.strip()
    if name in _PLAIN and not rest:
        return Pragma("result", name)
    if name in _TARGETED:
        return Pragma("result", name, operands=_operands(rest) if rest else ())
    if name == "amplitude":
        states = tuple(each.strip().strip("\"'") for each in rest.split(","))
        if not all(state and not state.strip("01") for state in states):
            raise BadPragma(f"{rest[:40]} are not bitstrings", 'such as: amplitude "00", "11"')
        return Pragma("result", name, words=states)
    if name in _OBSERVED:
        return Pragma("result", name, factors=_product(rest))
    if name == "adjoint_gradient":
        inside, parameters = _inside(rest.removeprefix("expectation").lstrip())
        names = tuple(each.strip() for each in parameters.split(",") if each.strip() not in ("", "all"))
        return Pragma("result", name, terms=_sum(inside), words=names)
    raise BadPragma(f"'{name[:40]}' is not a result", f"there are {', '.join(RESULTS)}")


def _operands(text: str) -> tuple[str, ...]:
    """``q[0], $3, r``; none for ``all``."""
    if text.strip() == "all":
        return ()
    found = tuple(each.strip() for each in re.split(r",(?![^\[]*\])", text))
    for each in found:
        if _OPERAND.fullmatch(each) is None:
            raise BadPragma(f"'{each[:40]}' is not a qubit", "name qubits such as q[0], q or $0, or write all")
    return found


def _inside(text: str) -> tuple[str, str]:
    """What stands in the parentheses that ``text`` begins with, and what behind them."""
    if not text.startswith("("):
        raise BadPragma("parentheses are missing")
    level = 0
    for at, letter in enumerate(text):
        level += (letter == "(") - (letter == ")")
        if level == 0:
            return text[1:at], text[at + 1 :].strip()
    raise BadPragma("a parenthesis is not closed")


def _product(text: str) -> tuple[Factor, ...]:
    found: list[Factor] = []
    rest = text
    while True:
        standard = _FACTOR.match(rest)
        if standard is not None:
            behind = rest[standard.end() :]
            if behind.startswith("("):
                inside, rest = _inside(behind)
                found.append(Factor(standard[1], _operands(inside)))
            else:
                rest = behind.removeprefix("all").strip()
                found.append(Factor(standard[1], ()))
        elif rest.lstrip().startswith("hermitian"):
            inside, behind = _inside(rest.lstrip().removeprefix("hermitian").lstrip())
            operands, at, rest = behind.partition("@")
            found.append(Factor("hermitian", _operands(operands), _Reader(inside).only()))
            rest = at + rest
        else:
            fix = "write x, y, z, h, i or hermitian(...) on qubits, joined by @"
            raise BadPragma(f"'{rest.strip()[:40]}' is not an observable", fix)
        rest = rest.strip()
        if not rest:
            return tuple(found)
        if not rest.startswith("@"):
            raise BadPragma(f"'{rest[:40]}' follows the observable", "join factors by @")
        rest = rest[1:]


def _sum(text: str) -> tuple[tuple[float, tuple[Factor, ...]], ...]:
    """Terms such as ``2 * x(q[0]) @ y(q[1]) + z(q[2])``: a weight and the factors of each."""
    terms: list[tuple[float, tuple[Factor, ...]]] = []
    for part in _split(text):
        factor, star, product = part.partition("*")
        try:
            weight = float(factor.replace(" ", "")) if star else 1.0
        except ValueError:
            raise BadPragma(f"'{factor[:40]}' is not the factor of a term") from None
        terms.append((weight, _product(product if star else part.strip().removeprefix("+"))))
    return tuple(terms)


def _split(text: str) -> list[str]:
    """The terms of a sum, each with its sign."""
    level, start, parts = 0, 0, list[str]()
    for at, letter in enumerate(text):
        level += (letter in "([") - (letter in ")]")
        if letter in "+-" and level == 0 and text[start:at].strip(" +-") and text[at - 1] not in "eE*":
            parts.append(text[start:at])
            start = at
    return [*parts, text[start:]]


class _Reader:
    """Matrices: ``[[1, 0], [0, 1im]], ...``"""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def only(self) -> Matrix:
        found = self.all()
        if len(found) != 1:
            raise BadPragma(f"{len(found)} matrices are given", "give one")
        return found[0]

    def all(self) -> list[Matrix]:
        found = self._list(self._matrix)
        if self.text[self.at :].strip():
            raise BadPragma(f"'{self.text[self.at :][:40]}' is not part of a matrix")
        return found

    def _matrix(self) -> Matrix:
        return self._bracket(lambda: self._bracket(self._number))

    def _bracket(self, read: Callable[[], T]) -> list[T]:
        self._expect("[")
        found = self._list(read)
        self._expect("]")
        return found

    def _list(self, read: Callable[[], T]) -> list[T]:
        found = [read()]
        while self._take(","):
            found.append(read())
        return found

    def _take(self, mark: str) -> bool:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        taken = self.text.startswith(mark, self.at)
        self.at += taken
        return taken

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise BadPragma(f"expected '{mark}' before '{self.text[self.at :][:40]}'", "such as: [[1, 0], [0, 1im]]")

    def _number(self) -> complex:
        found = _COMPLEX.match(self.text, self.at)
        if found is None:
            raise BadPragma(f"'{self.text[self.at :][:40]}' is not a number", "such as 0.5, 1im or 0.5+0.5im")
        self.at = found.end()
        first = float(found[1])
        if found[2]:
            return complex(0.0, first)
        second = float(found[4]) if found[4] else 0.0
        return complex(first, -second if found[3] == "-" else second)
