"""Formulas in parameters, such as ``(4 * twoQubitGateTime + 2 * oneQubitMeasurementTime) * codeDistance``.

A recursive-descent parser of our own: numbers, names, ``+ - * / % ^``, parentheses and a few functions, and nothing
else; no text of a formula ever reaches Python's own evaluator. Length and nesting are bounded, errors say the column.
``*``, ``/`` and ``%`` group from the left, ``^`` from the right and before a sign (``-2^2`` is -4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.models.estimate.wrong import clip, show, wrong

Env = Mapping[str, float]
Evaluator = Callable[[Env], float]

_TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)|([-+*/%^(),]))", re.ASCII
)
_BLANKS = " \t\n\r\f\v"
"""White space, which the expression above skips."""
_DEPTH = 64


def _log(*args: float) -> float:
    """``log(x)`` to base 10, ``log(base, x)``: as in the formulas of Azure's estimator."""
    return math.log10(args[0]) if len(args) == 1 else math.log(args[1]) / math.log(args[0])


def _round(value: float) -> float:
    """Half away from zero."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _ceil(value: float) -> float:
    return float(math.ceil(value))


def _floor(value: float) -> float:
    return float(math.floor(value))


def _int(value: float) -> float:
    return float(math.trunc(value))


FUNCTIONS: dict[str, tuple[Callable[..., float], int, int]] = {
    "abs": (math.fabs, 1, 1),
    "ceil": (_ceil, 1, 1),
    "floor": (_floor, 1, 1),
    "int": (_int, 1, 1),
    "round": (_round, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "log": (_log, 1, 2),
    "min": (lambda *x: min(x), 1, 16),
    "max": (lambda *x: max(x), 1, 16),
}
"""Function, fewest and most arguments."""


class Formula:
    """A parsed formula. Calling it with values of its names gives a finite float, else INVALID_PARAMS."""

    def __init__(self, text: str, field: str, evaluate: Evaluator) -> None:
        self.text = text
        self.field = field
        self._evaluate = evaluate

    def __call__(self, env: Env) -> float:
        try:
            value = self._evaluate(env)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise self._undefined_error(env, str(error)) from error
        if isinstance(value, complex) or not math.isfinite(value):
            raise self._undefined_error(env, "not a finite number")
        return value

    def _undefined_error(self, env: Env, why: str) -> QmkError:
        at = ", ".join(f"{name} = {value:g}" for name, value in env.items())
        return wrong(self.field, f"{show(self.text)} has no value at {at}: {why}", "write a formula defined there")


def parse(text: object, names: Sequence[str], field: str) -> Formula:
    """Parse ``text`` over the variables ``names``. Raises INVALID_PARAMS with fields ``column`` (from 1) and ``text``
    when it is not a formula, QUOTA_EXCEEDED beyond the limit ``expression_chars``."""
    if not isinstance(text, str):
        raise wrong(field, f"{show(text)} is not a formula", "write a text such as '2 * codeDistance * codeDistance'")
    check("expression_chars", len(text), field)
    parser = _Parser(text, names, field)
    evaluate = parser.parse_sum(0)
    if parser.kind:
        raise parser.error(f"expected an operator, not '{parser.value}'", "write +, -, *, /, %, ^ or nothing")
    return Formula(text, field, evaluate)


class _Parser:
    def __init__(self, text: str, names: Sequence[str], field: str) -> None:
        self.text, self.names, self.field = text, names, field
        self.end = self.start = 0
        self.kind = self.value = ""
        self.step()

    def error(self, message: str, help: str) -> QmkError:
        column = self.start + 1
        near = self.text if len(self.text) <= 80 else f"...{self.text[max(0, column - 40) : column + 40]}..."
        return wrong(
            self.field,
            f"column {column} of {show(near)}: {message}",
            help,
            reason="CannotEvaluateExpression",
            column=column,
            text=self.text.encode(errors="backslashreplace").decode(),
        )

    def step(self) -> None:
        """To the next token."""
        match = _TOKEN.match(self.text, self.end)
        if match is None:
            rest = self.text[self.end :].lstrip(_BLANKS)
            self.start = len(self.text) - len(rest)
            self.kind = self.value = ""
            if rest:
                allowed = "numbers, names, + - * / % ^ and parentheses"
                raise self.error(f"{rest[0]!r} has no meaning in a formula", f"use {allowed}")
            return
        self.kind = ("number", "name", "mark")[(match.lastindex or 1) - 1]
        self.value = match[match.lastindex or 1]
        self.start, self.end = match.start(match.lastindex or 1), match.end()

    def take(self, mark: str) -> bool:
        if self.kind == "mark" and self.value == mark:
            self.step()
            return True
        return False

    def parse_sum(self, depth: int) -> Evaluator:
        if depth > _DEPTH:
            raise self.error(f"nested deeper than {_DEPTH} levels", "write it flatter")
        left = self.parse_product(depth)
        while self.kind == "mark" and self.value in "+-":
            plus = self.value == "+"
            self.step()
            left = _binary("+" if plus else "-", left, self.parse_product(depth))
        return left

    def parse_product(self, depth: int) -> Evaluator:
        left = self.parse_sign(depth)
        while self.kind == "mark" and self.value in "*/%":
            mark = self.value
            self.step()
            left = _binary(mark, left, self.parse_sign(depth))
        return left

    def parse_sign(self, depth: int) -> Evaluator:
        if depth > _DEPTH:
            raise self.error(f"nested deeper than {_DEPTH} levels", "write it flatter")
        if self.take("-"):
            inner = self.parse_sign(depth + 1)
            return lambda env: -inner(env)
        if self.take("+"):
            return self.parse_sign(depth + 1)
        base = self.parse_atom(depth)
        return _binary("^", base, self.parse_sign(depth + 1)) if self.take("^") else base

    def parse_atom(self, depth: int) -> Evaluator:
        if self.kind == "number":
            constant = float(self.value)
            self.step()
            return lambda env: constant
        if self.take("("):
            inner = self.parse_sum(depth + 1)
            self.close()
            return inner
        if self.kind != "name":
            found = f"'{self.value}'" if self.kind else "the end"
            raise self.error(f"expected a number, a name or '(', not {found}", "complete the formula")
        name = self.value
        if name in FUNCTIONS:
            return self.parse_call(name, depth)
        if name not in self.names:
            raise self.error(f"no such name '{clip(name)}'", f"names here: {', '.join((*self.names, *FUNCTIONS))}")
        self.step()
        return lambda env: env[name]

    def parse_call(self, name: str, depth: int) -> Evaluator:
        function, low, high = FUNCTIONS[name]
        self.step()
        if not self.take("("):
            raise self.error(f"expected '(' after '{name}'", f"write {name}(...)")
        args = [self.parse_sum(depth + 1)]
        while self.take(","):
            args.append(self.parse_sum(depth + 1))
        if not low <= len(args) <= high:
            raise self.error(f"'{name}' takes {low} to {high} arguments, not {len(args)}", "write that many")
        self.close()
        return lambda env: function(*(arg(env) for arg in args))

    def close(self) -> None:
        if not self.take(")"):
            found = f"'{self.value}'" if self.kind else "the end"
            raise self.error(f"expected ')', not {found}", "close the parenthesis")


def _binary(mark: str, left: Evaluator, right: Evaluator) -> Evaluator:
    if mark == "+":
        return lambda env: left(env) + right(env)
    if mark == "-":
        return lambda env: left(env) - right(env)
    if mark == "*":
        return lambda env: left(env) * right(env)
    if mark == "/":
        return lambda env: left(env) / right(env)
    if mark == "%":
        return lambda env: math.fmod(left(env), right(env))
    return lambda env: math.pow(left(env), right(env))
