"""Guards in assembly: ``m0==1 and (m1==0 or m2==1)``, and back to text.

``all(...)`` and ``any(...)`` are the same as chains of ``and`` and ``or``; they also spell groups of one.
"""

from __future__ import annotations

import re
from typing import Literal, NoReturn

from qmk.base.limits import LIMITS
from qmk.formats.asm.literals import name
from qmk.formats.asm.source import Cursor, Fault
from qmk.qvm.graph import Guard

_INTEGER = re.compile(r"-?\d{1,20}(?![\w.])")
_OPERATORS = re.compile(r"!=|<=|>=|<|>|=")


def read(text: str, at: int) -> Guard:
    """The guard written as ``text``, which begins at ``at`` of its statement."""
    cursor = Cursor(text)
    try:
        guard = _either(cursor, 1)
        if not cursor.at_end():
            _fail_expecting("'and', 'or' or the end of the guard", cursor)
    except Fault as fault:
        raise Fault("ASM-011", fault.message, fault.at + at, fault.fix) from None
    return guard


def _fail_expecting(what: str, cursor: Cursor) -> NoReturn:
    rest = cursor.text[cursor.skip() :][:30]
    raise Fault("ASM-011", f"{what} should stand here, not '{rest}'" if rest else f"{what} is missing", cursor.at)


def _group(kind: Literal["and", "or"], items: list[Guard]) -> Guard:
    return items[0] if len(items) == 1 else Guard(kind, conditions=tuple(items))


def _either(cursor: Cursor, depth: int) -> Guard:
    if depth > LIMITS.guard_depth:
        raise Fault("ASM-011", f"the guard nests deeper than {LIMITS.guard_depth} levels", cursor.at)
    items = [_both(cursor, depth)]
    while cursor.keyword("or") or cursor.take("||"):
        items.append(_both(cursor, depth))
    return _group("or", items)


def _both(cursor: Cursor, depth: int) -> Guard:
    items = [_one(cursor, depth)]
    while cursor.keyword("and") or cursor.take("&&"):
        items.append(_one(cursor, depth))
    return _group("and", items)


def _one(cursor: Cursor, depth: int) -> Guard:
    if cursor.take("("):
        guard = _either(cursor, depth + 1)
        if not cursor.take(")"):
            _fail_expecting("')'", cursor)
        return guard
    if cursor.keyword("not") or cursor.peek("!"):
        raise Fault("ASM-011", "a guard has no 'not'", cursor.at, "compare with the other value: `m0==0`")
    start = cursor.skip()
    quoted = cursor.peek('"') or cursor.peek("'")
    event = cursor.word()
    if event is None:
        _fail_expecting("an event", cursor)
    if event in ("all", "any") and not quoted and cursor.take("("):
        return _read_list("and" if event == "all" else "or", cursor, depth + 1)
    if not cursor.take("=="):
        wrong = _OPERATORS.match(cursor.text, cursor.skip())
        if wrong is not None:
            raise Fault("ASM-011", f"a guard compares with '==', not '{wrong[0]}'", cursor.at, "write `m0==1`")
        raise Fault("ASM-011", f"'{event}' is not compared with a value", start, f"write `{name(event)}==1`")
    value = _INTEGER.match(cursor.text, cursor.skip())
    if value is None:
        _fail_expecting("a whole number", cursor)
    cursor.at = value.end()
    return Guard("eq", event, int(value[0]))


def _read_list(kind: Literal["and", "or"], cursor: Cursor, depth: int) -> Guard:
    items: list[Guard] = []
    while not cursor.take(")"):
        if items and not cursor.take(","):
            _fail_expecting("',' or ')'", cursor)
        items.append(_either(cursor, depth))
    return Guard(kind, conditions=tuple(items))


def write(guard: Guard, nested: bool = False) -> str:
    """The guard as text that ``read`` takes back."""
    if guard.type == "eq":
        return f"{name(guard.event)}=={guard.value}"
    if len(guard.conditions) < 2:
        return ("all" if guard.type == "and" else "any") + f"({', '.join(write(part) for part in guard.conditions)})"
    text = f" {guard.type} ".join(write(part, True) for part in guard.conditions)
    return f"({text})" if nested else text
