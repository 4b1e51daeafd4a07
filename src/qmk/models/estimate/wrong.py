"""Errors of an estimate: INVALID_PARAMS with the path of the field, what is wrong, and the way to mend it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any, cast

from qmk.base.errors import QmkError
from qmk.models.arguments import SHOWN, show

LABEL_CHARS = 100


def wrong(field: str, message: str, help: str, reason: str = "CannotParseJSON", **fields: Any) -> QmkError:
    """``field`` is a path such as ``qecScheme/logicalCycleTime``; ``reason`` is the last word of the error code that
    Azure's estimator gives for the same case, where it has one."""
    return QmkError("INVALID_PARAMS", f"{field}: {message}", field=field, help=help, reason=reason, **fields)


def unsolvable(reason: str, message: str, help: str, **fields: Any) -> QmkError:
    """The input is right, and no machine within its bounds meets it."""
    return QmkError("INVALID_PARAMS", message, field="constraints", help=help, reason=reason, **fields)


def refuse_unknown(given: Mapping[Any, Any], known: Iterable[str], field: str) -> None:
    """A key that nothing reads would be an assumption that the result does not have."""
    names = list(known)
    for key in given:
        if key not in names:
            place = clip(key) if isinstance(key, str) and key.isprintable() else show(key)
            raise wrong(f"{field}/{place}" if field else place, "no such key", hint_at(key, names, "known keys"))


def hint_at(text: object, names: Iterable[str], every: str) -> str:
    """A hint at the name that was meant, else all of them under the heading ``every``."""
    names = list(names)
    found = difflib.get_close_matches(text[:SHOWN], names, 1) if isinstance(text, str) else []
    return f"did you mean '{found[0]}'?" if found else f"{every}: {', '.join(names)}"


def clip(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def label(value: Any, field: str) -> str:
    """A name that results show: a text of printable characters."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > LABEL_CHARS:
        raise wrong(
            field, f"{show(value)} is not a name", f"write a text of at most {LABEL_CHARS} printable characters"
        )
    return value


def mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise wrong(field, f"expected an object, not {type(value).__name__}", "write { ... } with the keys of the docs")
    return cast("Mapping[str, Any]", value)


def whole(value: Any, field: str, low: int = 0, high: int = (1 << 63) - 1) -> int:
    """An integer between bounds; a bool or a fraction is none."""
    exact = isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53
    if isinstance(value, bool) or not (exact or isinstance(value, Integral)):
        raise wrong(field, f"{show(value)} is not a whole number", f"write a whole number of at least {low}")
    found = int(value)
    if not low <= found <= high:
        raise wrong(field, f"{show(found)} is not between {low} and {high}", "write a whole number in this range")
    return found


def number(value: Any, field: str) -> float:
    """A finite float; a bool or a text is none."""
    try:
        found = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:
        found = math.inf
    if not abs(found) <= 1e300:
        raise wrong(field, f"{show(value)} is not a number", "write a finite number")
    return found
