"""Parses the text of expressions into trees, with a tokenizer and a Pratt parser, both bounded.

Binary operators of one nesting level become one ``Chain`` (or ``Compare``, ``Logic``), so that a long sum is not a deep
tree; what nests is counted against ``DEPTH``.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from qmk.formats.expression_values import OperationError, Value, require_bounds

DEPTH = 48
"""How deep brackets, signs and powers may nest in one expression."""


class ExpressionError(Exception):
    """An expression that cannot be read or has no value. ``column`` counts from 1 in the expression's text."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class Token(NamedTuple):
    kind: str
    text: str
    column: int


class Const(NamedTuple):
    column: int
    value: Value


class Name(NamedTuple):
    column: int
    name: str


class ListOf(NamedTuple):
    column: int
    items: tuple[Tree, ...]


class Index(NamedTuple):
    column: int
    base: Tree
    at: tuple[Tree, ...]


class Call(NamedTuple):
    column: int
    name: str
    args: tuple[Tree, ...]


class Unary(NamedTuple):
    column: int
    op: str
    operand: Tree


class Chain(NamedTuple):
    """Binary operators applied left to right; each right side already binds tighter than its operator."""

    column: int
    first: Tree
    rest: tuple[tuple[str, int, Tree], ...]


class Compare(NamedTuple):
    column: int
    first: Tree
    rest: tuple[tuple[str, int, Tree], ...]


class Logic(NamedTuple):
    column: int
    op: str
    items: tuple[Tree, ...]


Tree: TypeAlias = "Const | Name | ListOf | Index | Call | Unary | Chain | Compare | Logic"

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:\.\d+)?|\.\d+|\d+\.(?![.\w]))(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<op>\*\*|//|==|!=|<=|>=|<<|>>|&&|\|\||[-+*/%()\[\],<>!&|])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_HINTS = {
    "^": "write ** for a power",
    "=": "write == to compare",
    "~": "write not or !",
    "{": "braces interpolate; inside an expression write the name alone",
    ".": "names have no attributes; join(', ', list), len(list) and the like are functions",
    "'": "a quote is not closed",
    '"': "a quote is not closed",
    "?": "there is no conditional operator; use .if",
}
_POWERS = {
    "or": 1, "||": 1, "and": 2, "&&": 2,
    "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "|": 5, "&": 6, "<<": 7, ">>": 7, "+": 8, "-": 8, "*": 9, "/": 9, "//": 9, "%": 9, "**": 11,
}  # fmt: skip
_NOT_POWER, _SIGN_POWER = 3, 10
_WORDS = frozenset({"or", "and", "not"})


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            hint = _HINTS.get(text[at], "")
            raise ExpressionError(f"unexpected {text[at]!r}" + (f": {hint}" if hint else ""), at + 1)
        kind = str(match.lastgroup)
        word = match[kind]
        if kind == "name" and word in _WORDS:
            kind = "op"
        tokens.append(Token(kind, word, match.start(str(match.lastgroup)) + 1))
        at = match.end()
    tokens.append(Token("end", "", end + 1))
    return tokens


def _number(token: Token) -> Value:
    word = token.text
    if word[:2] in ("0x", "0X", "0b", "0B"):
        value: Value = int(word, 0)
    elif word.isdigit():
        value = int(word) if len(word) <= 400 else 1 << 4096
    else:
        value = float(word)
    try:
        return require_bounds(value)
    except OperationError as error:
        raise ExpressionError(f"the number {error}", token.column) from None


def _unquote(token: Token) -> str:
    def escape(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise ExpressionError(f"unknown escape '\\{match[1]}' in a text", token.column + match.start() + 1)
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", escape, token.text[1:-1], flags=re.DOTALL)


class Parser:
    """Pratt parser: ``expression(power)`` reads operators that bind tighter than ``power``."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    def whole(self) -> Tree:
        tree = self.expression(0)
        token = self.tokens[self.at]
        if token.kind != "end":
            hint = ": lists have no comprehensions; use .for" if token.text == "for" else ""
            raise ExpressionError(f"unexpected {token.text!r} after the expression{hint}", token.column)
        return tree

    def take(self, text: str) -> bool:
        if self.tokens[self.at].text == text and self.tokens[self.at].kind == "op":
            self.at += 1
            return True
        return False

    def expression(self, power: int) -> Tree:
        self.depth += 1
        if self.depth > DEPTH:
            raise ExpressionError(f"the expression nests deeper than {DEPTH} levels", self.tokens[self.at].column)
        left = self.prefix()
        while True:
            token = self.tokens[self.at]
            binding = _POWERS.get(token.text, 0) if token.kind == "op" else 0
            if binding <= power:
                self.depth -= 1
                return left
            self.at += 1
            left = self.infix(left, token, binding)

    def infix(self, left: Tree, token: Token, binding: int) -> Tree:
        right = self.expression(binding - 1 if token.text == "**" else binding)
        if binding <= 2:
            op = "or" if binding == 1 else "and"
            items = left.items if isinstance(left, Logic) and left.op == op else (left,)
            return Logic(token.column, op, (*items, right))
        kind = Compare if binding == 4 else Chain
        if isinstance(left, kind):
            return kind(left.column, left.first, (*left.rest, (token.text, token.column, right)))
        return kind(left.column, left, ((token.text, token.column, right),))

    def prefix(self) -> Tree:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "number":
            return self.postfix(Const(token.column, _number(token)))
        if token.kind == "text":
            return self.postfix(Const(token.column, _unquote(token)))
        if token.kind == "name":
            if self.take("("):
                return self.postfix(Call(token.column, token.text, self.items(")")))
            return self.postfix(Name(token.column, token.text))
        if token.text == "(":
            inner = self.expression(0)
            if not self.take(")"):
                raise ExpressionError("')' is missing", self.tokens[self.at].column)
            # A bracket node keeps a bracketed chain from merging with the operators that follow it.
            return self.postfix(Unary(token.column, "()", inner))
        if token.text == "[":
            return self.postfix(ListOf(token.column, self.items("]")))
        if token.text in ("+", "-", "!"):
            return Unary(token.column, token.text, self.expression(_SIGN_POWER))
        if token.text == "not":
            return Unary(token.column, "!", self.expression(_NOT_POWER))
        if token.kind == "end":
            raise ExpressionError("the expression ends where a value should be", token.column)
        raise ExpressionError(f"unexpected {token.text!r} where a value should be", token.column)

    def postfix(self, base: Tree) -> Tree:
        at: list[Tree] = []
        while self.take("["):
            at.append(self.expression(0))
            if not self.take("]"):
                raise ExpressionError("']' is missing", self.tokens[self.at].column)
        return Index(base.column, base, tuple(at)) if at else base

    def items(self, close: str) -> tuple[Tree, ...]:
        items: list[Tree] = []
        while not self.take(close):
            if items and not self.take(","):
                token = self.tokens[self.at]
                hint = ": lists have no comprehensions; use .for or names('q', n)" if token.text == "for" else ""
                raise ExpressionError(f"',' or '{close}' is missing{hint}", token.column)
            if items and self.take(close):
                break
            items.append(self.expression(0))
        return tuple(items)
