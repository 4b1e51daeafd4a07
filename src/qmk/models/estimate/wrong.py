"""Errors of an estimate: INVALID_PARAMS with the path of the field, what is wrong, and the way to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from qmk.base.errors import QmkError


def wrong(field: str, message: str, help: str, reason: str = "CannotParseJSON", **fields: Any) -> QmkError:
    """``field`` is a path such as ``qecScheme/logicalCycleTime``; ``reason`` is the last word of the error code that
    Azure's estimator gives for the same case, where it has one."""
    return QmkError("INVALID_PARAMS", f"{field}: {message}", field=field, help=help, reason=reason, **fields)


def unsolvable(reason: str, message: str, help: str, **fields: Any) -> QmkError:
    """The input is right, and no machine within its bounds meets it."""
    return QmkError("INVALID_PARAMS", message, field="constraints", help=help, reason=reason, **fields)


def refuse_unknown(given: Mapping[str, Any], known: Iterable[str], field: str) -> None:
    """A key that nothing reads would be an assumption that the result does not have."""
    names = list(known)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(names)}"
            raise wrong(f"{field}/{key}" if field else str(key), "no such key", hint)


def mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise wrong(field, f"expected an object, not {type(value).__name__}", "write { ... } with the keys of the docs")
    return value


def whole(value: Any, field: str, low: int = 0, high: int = (1 << 63) - 1) -> int:
    """An integer between bounds; a bool or a fraction is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        if not (isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53):
            raise wrong(field, f"{value!r} is not a whole number", f"write a whole number of at least {low}")
        value = int(value)
    if not low <= value <= high:
        raise wrong(field, f"{value} is not between {low} and {high}", "write a whole number in this range")
    return value


def number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e300:
        raise wrong(field, f"{value!r} is not a number", "write a finite number")
    return float(value)
