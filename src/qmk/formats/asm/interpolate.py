"""``{expression}`` and ``{expression:format}`` in statements. ``{{`` and ``}}`` stand for braces.

A value that lands between quotes is escaped, so that a text can never end the quotes it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from qmk.base.limits import LIMITS
from qmk.formats.asm.source import QUOTED, Fault
from qmk.formats.expression import ExpressionError, evaluate
from qmk.formats.expression_values import Value
from qmk.formats.expression_values import text as value_text

_FORMAT = re.compile(r"[<>=^]?[-+ ]?#?0?\d{0,2}(?:\.\d{1,2})?[bdeEfFgGoxX%s]?")


class Hole(NamedTuple):
    """An expression to fill in. ``at`` is where it begins; ``quote`` the quote it stands in, or ""."""

    text: str
    format: str
    at: int
    quote: str


@lru_cache(maxsize=8192)
def parse(text: str) -> tuple[str | Hole, ...]:
    """``text`` as literal parts and holes."""
    parts: list[str | Hole] = []
    literal, quote, at = "", "", 0
    while at < len(text):
        char = text[at]
        pair = text[at : at + 2]
        if quote and char == "\\":
            literal += pair
            at += 2
            continue
        if pair in ("{{", "}}"):
            literal += char
            at += 2
            continue
        if char == "{":
            parts.append(literal)
            literal = ""
            hole, at = _hole(text, at, quote)
            parts.append(hole)
            continue
        if char == "}":
            raise Fault("ASM-006", "'}' closes nothing", at, "write `}}` for a brace")
        if char in "\"'":
            quote = "" if quote == char else (quote or char)
        literal += char
        at += 1
    parts.append(literal)
    return tuple(parts)


def _hole(text: str, start: int, quote: str) -> tuple[Hole, int]:
    """The hole that opens at ``start``, and where the text goes on."""
    at, depth, colon = start + 1, 0, -1
    while at < len(text) and not (text[at] == "}" and depth == 0):
        if text[at] in "\"'":
            match = QUOTED.match(text, at)
            if match is None:
                raise Fault("ASM-006", "a quote is not closed between the braces", at)
            at = match.end()
            continue
        depth += (text[at] in "([") - (text[at] in ")]")
        if text[at] == "{":
            raise Fault("ASM-006", "braces do not nest", at)
        if text[at] == ":" and depth == 0 and colon < 0:
            colon = at
        at += 1
    if at >= len(text):
        raise Fault("ASM-006", "'{' is not closed", start)
    end = colon if colon >= 0 else at
    expression, format_ = text[start + 1 : end], text[colon + 1 : at] if colon >= 0 else ""
    if not expression.strip():
        raise Fault("ASM-006", "nothing stands between the braces", start)
    if not _FORMAT.fullmatch(format_):
        raise Fault("ASM-006", f"'{format_[:20]}' is not a format", colon + 1, "write a format such as `.3f` or `02d`")
    return Hole(expression, format_, start + 1, quote), at + 1


def fill(text: str, names: Mapping[str, Value]) -> str:
    """``text`` with every hole replaced by its value."""
    if "{" not in text and "}" not in text:
        return text
    out = [part if isinstance(part, str) else _fill(part, names) for part in parse(text)]
    result = "".join(out)
    if len(result) > LIMITS.text_chars:
        raise Fault("ASM-006", f"the statement grows beyond {LIMITS.text_chars} characters")
    return result


def _fill(hole: Hole, names: Mapping[str, Value]) -> str:
    try:
        value = evaluate(hole.text, names)
    except ExpressionError as error:
        raise Fault("ASM-005", error.message, hole.at + error.column - 1) from None
    if hole.format:
        if isinstance(value, list):
            raise Fault("ASM-006", "a list takes no format", hole.at)
        try:
            text = format(value, hole.format)
        except (ValueError, OverflowError) as error:
            raise Fault("ASM-006", f"the format does not fit the value: {error}", hole.at) from None
    else:
        text = value_text(value)
    if hole.quote:
        return (
            text.replace("\\", "\\\\").replace(hole.quote, "\\" + hole.quote).replace("\n", "\\n").replace("\r", "\\r")
        )
    if "\n" in text or "\r" in text:
        raise Fault("ASM-006", "a value with a line break stands outside quotes", hole.at)
    return text
