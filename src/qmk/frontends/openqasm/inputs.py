"""Values that the caller gives for ``input`` declarations: typed in JSON, or text from a command line."""

from __future__ import annotations

import re
from typing import Any

from qmk.formats.expression import ExpressionError, evaluate
from qmk.frontends.openqasm import logic as lg
from qmk.frontends.openqasm.evaluate import Evaluator
from qmk.frontends.openqasm.sources import Refusal
from qmk.frontends.openqasm.values import FLOAT, INTEGERS, LITERAL, Type, Value, convert, element_type
from qmk.sdk.frontend import ParamValue

_BITS = re.compile(r'"?([01](?:_?[01])*)"?')


def input_data(core: Evaluator, name: str, given: ParamValue, type_: Type, pos: int) -> Any:
    """``given`` as data of ``type_``; refuses what does not fit, naming the input."""
    try:
        return _data(core, given, type_, pos)
    except Refusal as refusal:
        raise Refusal(
            "input", pos, f"the input '{name}' ({type_.text()}): {refusal.message}", refusal.help
        ) from refusal


def _data(core: Evaluator, given: ParamValue, type_: Type, pos: int) -> Any:
    if type_.kind == "array":
        return _array(core, given, type_, pos)
    if type_.kind == "bit":
        return _bits(given, type_, pos)
    if type_.kind == "bool":
        if isinstance(given, str) and given.lower() in ("true", "false"):
            return lg.constant(given.lower() == "true")
        if given in (0, 1, "0", "1"):
            return lg.constant(int(given))
        raise Refusal("type", pos, f"{given!r} is neither true nor false", "write true or false")
    number = _number(given, pos)
    if type_.kind in INTEGERS:
        if number != int(number):
            raise Refusal("type", pos, f"{given!r} is not a whole number")
        found = convert(Value(LITERAL, int(number)), type_, pos, core.logic).data
        if found != number:
            raise Refusal("value", pos, f"{given!r} is outside the range of {type_.text()}")
        return found
    if type_.kind in ("float", "angle", "complex"):
        return convert(Value(FLOAT, float(number)), type_, pos, core.logic).data
    raise Refusal("type", pos, "values of this type cannot be given from outside")


def _number(given: ParamValue, pos: int) -> int | float:
    if isinstance(given, str):
        try:
            value = evaluate(given, {})
        except ExpressionError as error:
            raise Refusal("type", pos, f"{given!r} is not a number: {error}", "write a number or pi/2") from error
        given = value if isinstance(value, (int, float)) else str(value)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise Refusal("type", pos, f"{given!r} is not a number", "write a number or pi/2")
    if given != given or given in (float("inf"), float("-inf")):
        raise Refusal("value", pos, "the value is not a finite number")
    return given


def _bits(given: ParamValue, type_: Type, pos: int) -> Any:
    """Bits as text "0101" (highest index first, as OpenQASM writes them) or as an integer."""
    size = 1 if type_.size is None else type_.size
    if isinstance(given, str) and (found := _BITS.fullmatch(given)) is not None:
        digits = found[1].replace("_", "")
        if len(digits) != size:
            raise Refusal("size", pos, f"{len(digits)} bit(s) given for {size}")
        number = int(digits, 2)
    elif isinstance(given, int) and 0 <= given < 1 << size:
        number = int(given)
    else:
        raise Refusal("type", pos, f"{given!r} is not {size} bit(s)", f'write {size} digits 0 or 1: "{"0" * size}"')
    bits = tuple(lg.constant(number >> k & 1) for k in range(size))
    return bits[0] if type_.size is None else bits


def _array(core: Evaluator, given: ParamValue, type_: Type, pos: int) -> Any:
    if not isinstance(given, list) or len(given) != type_.dims[0]:
        raise Refusal("type", pos, f"a list of {type_.dims[0]} values is needed", "write [1, 2, 3]")
    return tuple(_data(core, item, element_type(type_), pos) for item in given)
