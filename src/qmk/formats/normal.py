"""Normalises arguments and guards into the form that graphs in memory have, whichever reader read them.

Argument names: synonyms become the declared name, the ``opts`` object of channels is unwrapped. Values: numbers of
angles are floats in radians, texts given for numbers are evaluated. What has the wrong type stays as it is, for the
verifier to name; what has no value at all is reported here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from qmk.base.limits import LIMITS
from qmk.formats.expression import ExpressionError, evaluate
from qmk.formats.expression_values import Value
from qmk.qvm.families import OPS
from qmk.qvm.graph import Guard
from qmk.qvm.op import ParamKind

INTEGER_LOW, INTEGER_HIGH = -(2**63), 2**64 - 1


class Problem(NamedTuple):
    """A fault found on the way: ``rule`` of ``json_rules``, the path below the node, a message, a fix if special."""

    rule: str
    where: str
    message: str
    fix: str = ""


_TABLES: dict[str, dict[str, tuple[str, ParamKind]]] = {
    op.name: {word: (row.name, row.kind) for row in op.params for word in (row.name, *row.synonyms)}
    for op in OPS.values()
}
_NO_TABLE: dict[str, tuple[str, ParamKind]] = {}
_FLOATS = frozenset({"angle", "float"})
_NUMBERS = frozenset({"angle", "float", "int"})
_NO_NAMES: dict[str, Value] = {}


def param_kind(op: str, name: str) -> ParamKind | None:
    """The kind of argument ``name`` (any spelling) of ``op``, None when the op has no such argument."""
    entry = _TABLES.get(op, _NO_TABLE).get(name)
    return entry[1] if entry else None


def json_problem(value: Any, where: str, depth: int = 0) -> Problem | None:
    """Why ``value`` cannot be part of a graph: not a JSON value, out of range, or nested too deep; None when it can."""
    kind = type(cast(object, value))
    if kind is str or kind is bool or value is None:
        return None
    if kind is int:
        if INTEGER_LOW <= value <= INTEGER_HIGH:
            return None
        return Problem("QVM-J09", where, "the integer does not fit 64 bits")
    if kind is float:
        return None if math.isfinite(value) else Problem("QVM-J09", where, "the number is not finite")
    if depth >= LIMITS.json_depth:
        return Problem("QVM-J08", where, f"the value nests deeper than {LIMITS.json_depth} levels")
    if kind is list:
        for place, item in enumerate(cast("list[Any]", value)):
            problem = json_problem(item, f"{where}[{place}]", depth + 1)
            if problem is not None:
                return problem
        return None
    if kind is dict:
        for key, item in cast("dict[Any, Any]", value).items():
            if type(key) is not str:
                return Problem("QVM-J03", where, "the keys of an object are texts")
            problem = json_problem(item, f"{where}.{key}", depth + 1)
            if problem is not None:
                return problem
        return None
    return Problem("QVM-J03", where, f"a value of type {kind.__name__} is not a JSON value")


def _number(kind: str, value: Any, where: str, problems: list[Problem], names: Mapping[str, Value]) -> Any:
    """The value of a number-valued argument: text evaluated, angles and floats as float, whole floats as int."""
    if type(value) is str:
        try:
            result = evaluate(value, names)
        except ExpressionError as error:
            problems.append(Problem("QVM-J10", where, f"'{value[:80]}': {error.message} (column {error.column})"))
            return 0
        if isinstance(result, (bool, str, list)):
            problems.append(Problem("QVM-J10", where, f"'{value[:80]}' is not a number"))
            return 0
        value = result
    if type(value) is int and kind in _FLOATS:
        try:
            return float(value)
        except OverflowError:
            problems.append(Problem("QVM-J09", where, "the integer is too large for a number in radians or a ratio"))
            return 0.0
    if type(value) is float and kind == "int" and value.is_integer():
        value = int(value)
    problem = json_problem(value, where)
    if problem is not None:
        problems.append(problem)
    return value


def normal_args(
    op: str, args: Mapping[str, Any], problems: list[Problem], names: Mapping[str, Value] = _NO_NAMES
) -> dict[str, Any]:
    """The arguments of a node in normal form; faults go to ``problems``. ``names`` are bound in text expressions."""
    table = _TABLES.get(op, _NO_TABLE)
    if len(args) == 1:  # one angle, already in normal form: the common case, kept short for speed
        ((key, value),) = args.items()
        if type(value) is float and table.get(key) == (key, "angle") and math.isfinite(value):
            return {key: value}
    out: dict[str, Any] = {}
    for key, value in args.items():
        entry = table.get(key)
        name, kind = entry or (key, "text")
        if entry is not None and kind in _NUMBERS:
            if type(value) is not float or kind == "int" or not math.isfinite(value):
                value = _number(kind, value, f"args.{key}", problems, names)
        elif type(value) is not str:
            problem = json_problem(value, f"args.{key}")
            if problem is not None:
                problems.append(problem)
            elif kind == "map" and type(value) is dict:
                if name == "opts":
                    _merge(out, normal_args(op, cast("dict[str, Any]", value), problems, names), problems)
                    continue
                value = normal_args(f"core.{args.get('gate')}", cast("dict[str, Any]", value), problems, names)
        _merge(out, {name: value}, problems)
    return out


def _merge(out: dict[str, Any], more: dict[str, Any], problems: list[Problem]) -> None:
    for name, value in more.items():
        if name in out:
            problems.append(Problem("QVM-J11", f"args.{name}", f"argument '{name}' is given twice"))
        out[name] = value


def read_guard(raw: Any, problems: list[Problem], where: str = "guard", depth: int = 1) -> Guard | None:
    """A guard from any of its JSON forms; None (and at least one problem) when it has none."""
    if not isinstance(raw, dict):
        problems.append(Problem("QVM-J12", where, "a guard is an object"))
        return None
    fields = cast("dict[Any, Any]", raw)
    if depth > LIMITS.guard_depth:
        problems.append(Problem("QVM-J08", where, f"the guard nests deeper than {LIMITS.guard_depth} levels"))
        return None
    kind = fields.get("type", "and" if "conditions" in fields else "eq")
    if kind == "eq":
        return _read_equality(fields, problems, where)
    if kind not in ("and", "or"):
        problems.append(Problem("QVM-J12", f"{where}.type", "the type of a guard is 'eq', 'and' or 'or'"))
        return None
    if "type" not in fields:
        problems.append(Problem("QVM-J12", where, "'type' is missing", "write 'and' or 'or'"))
    _unknown(fields, ("type", "conditions"), problems, where)
    conditions = fields.get("conditions")
    if not isinstance(conditions, list) or not conditions:
        problems.append(Problem("QVM-J12", f"{where}.conditions", "'conditions' is a list of at least one guard"))
        return None
    parts = [
        read_guard(item, problems, f"{where}.conditions[{place}]", depth + 1)
        for place, item in enumerate(cast("list[Any]", conditions))
    ]
    return Guard(kind, conditions=tuple(part for part in parts if part is not None))


def _read_equality(fields: dict[Any, Any], problems: list[Problem], where: str) -> Guard | None:
    event = fields.get("event")
    if "equals" in fields and "value" in fields:
        problems.append(Problem("QVM-J11", where, "'equals' and 'value' are the same; both are given"))
    value = fields.get("equals", fields.get("value"))
    _unknown(fields, ("type", "event", "equals", "value"), problems, where)
    if type(event) is not str:
        problems.append(Problem("QVM-J12", f"{where}.event", "'event' is the name of an event"))
    if type(value) is not int or not INTEGER_LOW <= value <= INTEGER_HIGH:
        problems.append(Problem("QVM-J12", f"{where}.equals", "'equals' (or 'value') is the integer compared with"))
    if type(event) is str and type(value) is int:
        return Guard("eq", event, value)
    return None


def _unknown(fields: dict[Any, Any], known: tuple[str, ...], problems: list[Problem], where: str) -> None:
    for key in fields:
        if key not in known:
            problems.append(Problem("QVM-J05", f"{where}.{key}", f"a guard of this form has no key '{key}'"))
