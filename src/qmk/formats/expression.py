"""The safe expression evaluator of assembly and of angles given as text: a tokenizer, a Pratt parser, a tree walk.

Grammar, loosest first: ``or ||``; ``and &&``; ``not``; ``== != < <= > >=`` (chains as in ``0 <= i < n``); ``|``; ``&``;
``<< >>``; ``+ -``; ``* / // %``; unary ``+ - !``; ``**`` (right to left); indexing and calls. Operands are numbers,
texts in single or double quotes, lists, names and the functions of ``expression_values.FUNCTIONS``. Nothing here
reaches Python's own evaluator, attributes or objects; length, nesting and the size of every result are bounded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache

from qmk.base.limits import LIMITS
from qmk.formats.expression_syntax import (
    Call,
    Chain,
    Compare,
    Const,
    ExpressionError,
    Index,
    ListOf,
    Logic,
    Name,
    Parser,
    Tree,
    Unary,
)
from qmk.formats.expression_values import (
    BINARY,
    CONSTANTS,
    FUNCTIONS,
    OperationError,
    Value,
    compare,
    index,
    number,
    require_bounds,
)

__all__ = ["ExpressionError", "evaluate"]

_PLAIN = re.compile(r"\s*[-+]?(?:(\d+)|(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)\s*", re.ASCII)


@lru_cache(maxsize=2048)
def _parse(text: str) -> Tree:
    if len(text) > LIMITS.expression_chars:
        raise ExpressionError(f"the expression is longer than {LIMITS.expression_chars} characters", 1)
    return Parser(text).whole()


def _name(tree: Name, names: Mapping[str, Value]) -> Value:
    if tree.name in names:
        return names[tree.name]
    if tree.name in CONSTANTS:
        return CONSTANTS[tree.name]
    close = difflib.get_close_matches(tree.name, [*names, *CONSTANTS], 1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise ExpressionError(f"'{tree.name}' is not defined{hint}", tree.column)


def _call(tree: Call, names: Mapping[str, Value]) -> Value:
    function = FUNCTIONS.get(tree.name)
    if function is None:
        close = difflib.get_close_matches(tree.name, FUNCTIONS, 1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(FUNCTIONS)}"
        raise ExpressionError(f"there is no function '{tree.name}'{hint}", tree.column)
    if len(tree.args) < function.low or (function.high is not None and len(tree.args) > function.high):
        raise ExpressionError(f"'{tree.name}' cannot take {len(tree.args)} arguments", tree.column)
    values = [_value(arg, names) for arg in tree.args]
    try:
        return require_bounds(function.call(*values))
    except OperationError as error:
        raise ExpressionError(f"'{tree.name}' {error}", tree.column) from None
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ExpressionError(f"'{tree.name}' has no value here", tree.column) from None


def _operate(op: str, left: Value, right: Value, column: int) -> Value:
    try:
        return require_bounds(BINARY[op](left, right))
    except OperationError as error:
        text = str(error)
        raise ExpressionError(text if text.startswith("'") else f"'{op}' {text}", column) from None
    except ZeroDivisionError:
        raise ExpressionError(f"'{op}' divides by zero", column) from None
    except OverflowError:
        raise ExpressionError(f"'{op}' gives a number that is not finite", column) from None


def _compare(tree: Compare, names: Mapping[str, Value]) -> bool:
    left = _value(tree.first, names)
    for op, column, item in tree.rest:
        right = _value(item, names)
        try:
            if not compare(op, left, right):
                return False
        except OperationError as error:
            raise ExpressionError(str(error), column) from None
        left = right
    return True


def _unary(tree: Unary, names: Mapping[str, Value]) -> Value:
    value = _value(tree.operand, names)
    if tree.op == "()":
        return value
    if tree.op == "!":
        return not value
    try:
        return -number(value) if tree.op == "-" else +number(value)
    except OperationError as error:
        raise ExpressionError(f"'{tree.op}' {error}", tree.column) from None


def _index(tree: Index, names: Mapping[str, Value]) -> Value:
    value = _value(tree.base, names)
    for item in tree.at:
        at = _value(item, names)
        try:
            value = index(value, at)
        except OperationError as error:
            raise ExpressionError(str(error), item.column) from None
    return value


def _list(tree: ListOf, names: Mapping[str, Value]) -> Value:
    try:
        return require_bounds([_value(item, names) for item in tree.items])
    except OperationError as error:
        raise ExpressionError(f"the list {error}", tree.column) from None


def _value(tree: Tree, names: Mapping[str, Value]) -> Value:
    if isinstance(tree, Const):
        return tree.value
    if isinstance(tree, Name):
        return _name(tree, names)
    if isinstance(tree, Chain):
        value = _value(tree.first, names)
        for op, column, item in tree.rest:
            value = _operate(op, value, _value(item, names), column)
        return value
    if isinstance(tree, Call):
        return _call(tree, names)
    if isinstance(tree, Unary):
        return _unary(tree, names)
    if isinstance(tree, Index):
        return _index(tree, names)
    if isinstance(tree, ListOf):
        return _list(tree, names)
    if isinstance(tree, Compare):
        return _compare(tree, names)
    wanted = tree.op == "or"
    return any(bool(_value(item, names)) for item in tree.items) if wanted else _all(tree, names)


def _all(tree: Logic, names: Mapping[str, Value]) -> bool:
    return all(bool(_value(item, names)) for item in tree.items)


_EMPTY: dict[str, Value] = {}


def evaluate(text: str, names: Mapping[str, Value] = _EMPTY) -> Value:
    """The value of ``text`` with ``names`` bound; a name of the caller hides a constant of the same name.

    Raises ``ExpressionError`` with a column from 1. ``and`` and ``or`` stop early and give a truth value.
    """
    plain = _PLAIN.fullmatch(text) if len(text) <= 32 else None
    if plain is not None:
        value = int(text) if plain[1] else float(text)
        if value not in (float("inf"), float("-inf")):
            return value
    return _value(_parse(text), names)
