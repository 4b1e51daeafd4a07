"""Values of arguments and metadata in assembly: texts, numbers, lists ``[a, b]`` and maps ``[key: value]``.

``write`` gives text that ``read`` turns into an equal value of the same type, whatever JSON value it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from qmk.base.limits import LIMITS
from qmk.formats.asm.source import NAME, QUOTED, RESERVED, Cursor, Fault
from qmk.formats.expression import ExpressionError, evaluate
from qmk.formats.expression_values import Value
from qmk.formats.normal import param_kind

_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_NUMBERS = frozenset({"angle", "float", "int"})


def read_argument(op: str, key: str, text: str, at: int, names: Mapping[str, Value]) -> Any:
    """The value of argument ``key`` of ``op``. Where the declaration asks for a text, a bare word is that text."""
    kind = param_kind(op, key)
    if kind is None or kind == "map" or kind in _NUMBERS:
        return read(text, at, names, bare=kind is None)
    if text.startswith("(") and text.endswith(")"):
        return read(text[1:-1], at + 1, names)
    if QUOTED.fullmatch(text) or text.startswith("["):
        return read(text, at, names)
    return text


def read(text: str, at: int, names: Mapping[str, Value], bare: bool = False) -> Any:
    """The value written as ``text``, which begins at ``at`` of its statement. ``bare``: an unknown name is a text."""
    cursor = Cursor(text)
    try:
        value = _value(cursor, names, bare, 0)
        if not cursor.at_end():
            raise Fault("ASM-014", f"unexpected '{cursor.text[cursor.at :][:40]}' after the value", cursor.at)
    except Fault as fault:
        raise Fault(fault.rule, fault.message, fault.at + at, fault.fix) from None
    return value


def _value(cursor: Cursor, names: Mapping[str, Value], bare: bool, depth: int) -> Any:
    if depth > LIMITS.json_depth:
        raise Fault("ASM-014", f"the value nests deeper than {LIMITS.json_depth} levels", cursor.at)
    if cursor.peek("["):
        rest = Cursor(cursor.text)
        rest.at = cursor.at + 1
        if rest.take(":") or (rest.word() is not None and rest.take(":")):
            return _map(cursor, names, bare, depth)
        return _list(cursor, names, bare, depth)
    start = cursor.at
    text = cursor.until(",", "]", ":") if depth else cursor.until()
    if QUOTED.fullmatch(text):
        inner = Cursor(text)
        return inner.word()
    if text in _WORDS:
        return _WORDS[text]
    try:
        return evaluate(text, names)
    except ExpressionError as error:
        if bare and NAME.fullmatch(text):
            return text
        raise Fault("ASM-005", error.message, start + error.column - 1) from None


def _list(cursor: Cursor, names: Mapping[str, Value], bare: bool, depth: int) -> list[Any]:
    start = cursor.at
    cursor.take("[")
    items: list[Any] = []
    while not cursor.take("]"):
        if items and not cursor.take(","):
            raise Fault("ASM-014", "',' or ']' is missing in a list", cursor.at)
        items.append(_value(cursor, names, bare, depth + 1))
    if cursor.peek("["):  # an indexed list is an expression
        cursor.at = start
        text = cursor.until(",", "]", ":") if depth else cursor.until()
        try:
            return cast("list[Any]", evaluate(text, names))
        except ExpressionError as error:
            raise Fault("ASM-005", error.message, start + error.column - 1) from None
    return items


def _map(cursor: Cursor, names: Mapping[str, Value], bare: bool, depth: int) -> dict[str, Any]:
    cursor.take("[")
    items: dict[str, Any] = {}
    if cursor.take(":"):
        if not cursor.take("]"):
            raise Fault("ASM-014", "an empty map is written [:]", cursor.at)
        return items
    first = True
    while not cursor.take("]"):
        if not first and not cursor.take(","):
            raise Fault("ASM-014", "',' or ']' is missing in a map", cursor.at)
        first = False
        key = cursor.word()
        if key is None or not cursor.take(":"):
            raise Fault("ASM-014", "a key and ':' are missing in a map", cursor.at)
        if key in items:
            raise Fault("ASM-014", f"the key '{key}' stands twice in a map", cursor.at)
        items[key] = _value(cursor, names, bare, depth + 1)
    return items


def quote(text: str) -> str:
    """``text`` in double quotes, braces doubled so that they do not interpolate."""
    return msgspec.json.encode(text).decode().replace("{", "{{").replace("}", "}}").translate(_BREAKS)


_BREAKS = {ord(char): f"\\u{ord(char):04x}" for char in "\x7f\x85\u2028\u2029"}
"""Characters that end a line, or are not seen: written as escapes."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def name(text: str) -> str:
    """A name as it is, in quotes when it is not a plain one."""
    return text if _PLAIN.fullmatch(text) and text not in RESERVED else quote(text)


def write(value: Any) -> str:
    """``value`` as text that ``read`` takes back."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(write(item) for item in cast("list[Any]", value)) + "]"
    items = cast("dict[str, Any]", value)
    return "[" + (", ".join(f"{name(key)}: {write(item)}" for key, item in items.items()) or ":") + "]"


def write_argument(op: str, key: str, value: Any) -> str:
    """``value`` as text that ``read_argument`` takes back."""
    kind = param_kind(op, key)
    text = write(value)
    if kind is None or kind == "map" or kind in _NUMBERS or isinstance(value, (str, list, dict)):
        return text
    return f"({text})"
